#!/usr/bin/env python3
"""Makes a crate that depends on COSMA, from what book/src/embedding.md says. `./x outside` builds and runs it."""

import pathlib
import re
import sys

PROJECT, FOLDER = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def main():
    page = (PROJECT / "book/src/embedding.md").read_text()
    section = page[page.index("## Rust") : page.index("## C and C++")]
    dependencies, config = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    # HiGHS, which the crate does without, takes minutes to compile; the page says how to leave it out.
    dependencies = dependencies.replace("../cosma", str(PROJECT)).replace(" }", ", default-features = false }")
    write("Cargo.toml", f'[package]\nname = "outside"\nversion = "0.1.0"\nedition = "2024"\n\n{dependencies}\n[workspace]\n')
    write(".cargo/config.toml", config.replace("../cosma", str(PROJECT)))
    # The versions that everything else is tested with, which are there already.
    write("Cargo.lock", (PROJECT / "Cargo.lock").read_text())
    write("src/main.rs", (PROJECT / "examples/stage.rs").read_text())


def write(name, text):
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


main()
