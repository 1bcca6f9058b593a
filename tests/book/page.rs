//! A page: its text, and what of it the tests need. As much of Markdown as the book uses.

use std::path::Path;

/// A page of the book.
pub struct Page {
    /// Its file, from the folder of the book's source.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A fenced block.
pub struct Block {
    /// The line of its first fence, from 1.
    pub line: usize,
    /// What it is written in: the first word behind the fence.
    pub language: String,
    /// The other words, which commas separate.
    pub words: Vec<String>,
    /// What is between the fences.
    pub text: String,
}

/// A link or an image.
pub struct Link {
    pub line: usize,
    pub target: String,
}

impl Page {
    pub fn read(folder: &Path, name: &str) -> Page {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Page { name: name.into(), text }
    }

    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut is_open = false;
        for (index, line) in self.text.lines().enumerate() {
            match line.strip_prefix("```") {
                Some(_) if is_open => is_open = false,
                Some(info) => {
                    is_open = true;
                    let mut words = info.split(',').map(|it| it.trim().to_owned());
                    let language = words.next().unwrap_or_default();
                    blocks.push(Block { line: index + 1, language, words: words.collect(), text: String::new() });
                }
                None if is_open => {
                    let text = &mut blocks.last_mut().expect("a block is open").text;
                    text.push_str(line);
                    text.push('\n');
                }
                None => {}
            }
        }
        assert!(!is_open, "{}: a block that does not end", self.name);
        blocks
    }

    /// Lines that are not in blocks, with their numbers from 1.
    pub fn prose(&self) -> Vec<(usize, &str)> {
        let mut is_open = false;
        let mut lines = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            let is_fence = line.starts_with("```");
            is_open ^= is_fence;
            if !is_open && !is_fence {
                lines.push((index + 1, line));
            }
        }
        lines
    }

    /// Links and images in the prose, code in backticks left out.
    pub fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        for (line, text) in self.prose() {
            let plain: String = text.split('`').step_by(2).collect();
            for part in plain.split("](").skip(1) {
                let target = part.split(')').next().unwrap_or_default();
                links.push(Link { line, target: target.into() });
            }
        }
        links
    }

    /// What links to headings end in, as mdBook forms it: letters, digits, `_` and `-` in lower case, and
    /// `-` for each space; repeated ones are numbered.
    pub fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for (_, line) in self.prose() {
            let heading = line.trim_start_matches('#');
            if heading.len() == line.len() || !heading.starts_with(' ') {
                continue;
            }
            let kept = heading.trim().chars().filter_map(|it| match it {
                ' ' => Some('-'),
                _ if it.is_alphanumeric() || it == '_' || it == '-' => Some(it.to_ascii_lowercase()),
                _ => None,
            });
            let anchor: String = kept.collect();
            let n_same = anchors.iter().filter(|it| **it == anchor).count();
            anchors.push(if n_same == 0 { anchor } else { format!("{anchor}-{n_same}") });
        }
        anchors
    }
}
