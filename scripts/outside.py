#!/usr/bin/env python3
"""Creates a crate that depends on COSMA, as in book/src/embedding.md. `./x outside` builds and runs it."""

import pathlib
import re
import sys

PROJECT, FOLDER = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def main():
    page = (PROJECT / "book/src/embedding.md").read_text()
    section = page[page.index("## Rust") : page.index("## C and C++")]
    dependencies, config = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    # The crate does not need HiGHS, which takes minutes to compile; the page says how to leave it out.
    dependencies = dependencies.replace("../cosma", str(PROJECT)).replace(" }", ", default-features = false }")
    write("Cargo.toml", f'[package]\nname = "outside"\nversion = "0.1.0"\nedition = "2024"\n\n{dependencies}\n[workspace]\n')
    write(".cargo/config.toml", config.replace("../cosma", str(PROJECT)))
    # The tested versions, which are already downloaded.
    write("Cargo.lock", (PROJECT / "Cargo.lock").read_text())
    write("src/main.rs", (PROJECT / "examples/stage.rs").read_text())


def write(name, text):
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


main()
