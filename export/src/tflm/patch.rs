//! Adds metadata to a model without any other change.
//!
//! Offsets of a flatbuffer only point forward. So new data goes in front: a table `Model` with new vectors of buffers
//! and of metadata. Their old elements point into the original file, which follows byte for byte, at a multiple of
//! the largest alignment that the schema requires. Unknown data in the file is preserved; only unknown fields of
//! `Model` itself are refused. The old `Model` and its vectors remain, unused.

use super::flat::Flat;
use super::model::{Model, field};
use crate::Error;

/// The original file begins at a multiple of this: buffers are aligned to 16 B, and more for data read from flash.
const ALIGNMENT: usize = 64;

/// The largest file: signed offsets must reach all of it.
const MOST_BYTES: usize = (1 << 31) - 1;

/// The model with this data as the metadata of this name, which replaces existing metadata of the name.
///
/// # Errors
/// [`Error::Model`] for models that are too large, or have fields that are unknown here.
pub fn with_metadata(model: &Model<'_>, name: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
    let Flat(old) = model.flat;
    let n_fields = model.flat.n_fields(model.root);
    for unknown in field::COUNT..n_fields {
        if model.flat.field(model.root, unknown)?.is_some() {
            return Err(Error::Model(format!("the model has a field {unknown} that is unknown")));
        }
    }
    if model.has_bytes_outside()? {
        return Err(Error::Model("the model has data outside of its flatbuffer, which cannot be moved".into()));
    }
    let kept: Vec<usize> = model.metadata.iter().filter(|it| it.name != name).map(|it| it.table.at).collect();
    let mut front = Front { bytes: Vec::new(), into_old: Vec::new() };
    let root_at = front.here();
    front.u32(0);
    front.bytes.extend(&old[4..8]);
    let root = front.table(field::COUNT);
    front.lead(root_at, root.at);

    let n_buffers = model.buffers.len();
    // The schema wants an empty one first.
    let n_new = if n_buffers == 0 { 2 } else { 1 };
    let buffers = front.vector(n_buffers + n_new);
    front.lead(root.field(field::BUFFERS), buffers);
    for (index, buffer) in model.buffers.iter().enumerate() {
        front.into_old.push((buffers + 4 + 4 * index, buffer.at));
    }
    let metadata = front.vector(kept.len() + 1);
    front.lead(root.field(field::METADATA), metadata);
    for (index, at) in kept.iter().enumerate() {
        front.into_old.push((metadata + 4 + 4 * index, *at));
    }
    if n_buffers == 0 {
        let empty = front.table(0);
        front.lead(buffers + 4, empty.at);
    }
    let index = n_buffers + n_new - 1;
    let buffer = front.table(1);
    front.lead(buffers + 4 + 4 * index, buffer.at);
    let entry = front.table(2);
    front.lead(metadata + 4 + 4 * kept.len(), entry.at);
    let index = u32::try_from(index).map_err(|_| Error::Model("the model has too many buffers".into()))?;
    front.put(entry.field(1), index);
    let text = front.data(name.as_bytes(), 4);
    front.bytes.push(0);
    front.lead(entry.field(0), text);
    let content = front.data(data, 16);
    front.lead(buffer.field(0), content);

    // All other fields but the version, which is a number, lead to what the old ones led to.
    for index in 0..field::COUNT {
        let Some(at) = model.flat.field(model.root, index)? else { continue };
        match index {
            0 => front.put(root.field(0), model.flat.u32(at)?),
            field::BUFFERS | field::METADATA => {}
            _ => front.into_old.push((root.field(index), model.flat.follow(at)?)),
        }
    }
    // Fields that the old one does not have.
    for index in 0..field::COUNT {
        let is_new = matches!(index, field::BUFFERS | field::METADATA);
        if !is_new && model.flat.field(model.root, index)?.is_none() {
            front.drop_field(&root, index);
        }
    }
    front.followed_by(old)
}

/// The new data in front of the file.
struct Front {
    bytes: Vec<u8>,
    /// Offsets that point into the original file: their position, and the byte that they point to.
    into_old: Vec<(usize, usize)>,
}

/// A table with a word for each field.
struct New {
    at: usize,
    n_fields: usize,
}

impl New {
    fn field(&self, index: usize) -> usize {
        self.at + 4 + 4 * index
    }
}

impl Front {
    fn here(&self) -> usize {
        self.bytes.len()
    }

    fn u16(&mut self, value: usize) {
        self.bytes.extend(u16::try_from(value).expect("tables are small").to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn put(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Makes the offset at a byte point to a later byte.
    fn lead(&mut self, at: usize, to: usize) {
        self.put(at, u32::try_from(to - at).expect("what is new is small"));
    }

    fn align(&mut self, alignment: usize) {
        self.bytes.resize(self.here().next_multiple_of(alignment), 0);
    }

    /// A table and its list of fields, all of which are present.
    fn table(&mut self, n_fields: usize) -> New {
        self.align(4);
        let list = self.here();
        self.u16(4 + 2 * n_fields);
        self.u16(4 + 4 * n_fields);
        (0..n_fields).for_each(|it| self.u16(4 + 4 * it));
        self.align(4);
        let at = self.here();
        self.u32(u32::try_from(at - list).expect("tables are small"));
        self.bytes.resize(at + 4 + 4 * n_fields, 0);
        New { at, n_fields }
    }

    /// Removes a field of a table from its list.
    fn drop_field(&mut self, table: &New, index: usize) {
        let list = table.at - (4 + 2 * table.n_fields).next_multiple_of(4);
        self.bytes[list + 4 + 2 * index..][..2].fill(0);
    }

    /// A vector of offsets that are filled in later.
    fn vector(&mut self, len: usize) -> usize {
        self.align(4);
        let at = self.here();
        self.u32(u32::try_from(len).unwrap_or(u32::MAX));
        self.bytes.resize(at + 4 + 4 * len, 0);
        at
    }

    /// A vector of bytes with an aligned first byte.
    fn data(&mut self, data: &[u8], alignment: usize) -> usize {
        self.bytes.resize((self.here() + 4).next_multiple_of(alignment) - 4, 0);
        let at = self.here();
        self.u32(u32::try_from(data.len()).unwrap_or(u32::MAX));
        self.bytes.extend(data);
        at
    }

    fn followed_by(mut self, old: &[u8]) -> Result<Vec<u8>, Error> {
        self.align(ALIGNMENT);
        let start = self.here();
        if MOST_BYTES < start + old.len() {
            return Err(Error::Model("the model would have 2 GiB or more".into()));
        }
        for (at, to) in std::mem::take(&mut self.into_old) {
            self.lead(at, start + to);
        }
        self.bytes.extend(old);
        Ok(self.bytes)
    }
}
