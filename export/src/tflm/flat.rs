//! A reader of FlatBuffers that knows the position of everything that it reads.
//!
//! Generated code and the `flatbuffers` crate return the contents of a file, but not their positions. Inserting data
//! in front of a file, with offsets into it, needs positions. So this module implements the small part of the format
//! that this takes, with every access checked; see <https://flatbuffers.dev/internals/>. All numbers are
//! little-endian. An offset is unsigned and counts forward from its own position; a table begins with the signed
//! distance back to its list of fields.

use crate::Error;

/// The bytes of a file.
#[derive(Clone, Copy, Debug)]
pub struct Flat<'a>(pub &'a [u8]);

/// A table: its position and that of its list of fields.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub at: usize,
    fields: usize,
    fields_end: usize,
}

/// A vector: the position of its first element, and the number of elements.
#[derive(Clone, Copy, Debug)]
pub struct Vector {
    pub at: usize,
    pub len: usize,
}

impl<'a> Flat<'a> {
    fn bytes<const N: usize>(self, at: usize) -> Result<[u8; N], Error> {
        let bytes = at.checked_add(N).and_then(|end| self.0.get(at..end)).and_then(|it| it.try_into().ok());
        bytes.ok_or_else(|| Error::Malformed(format!("it refers to byte {at}, which is beyond its end")))
    }

    pub fn u8(self, at: usize) -> Result<u8, Error> {
        Ok(self.bytes::<1>(at)?[0])
    }

    pub fn u32(self, at: usize) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.bytes(at)?))
    }

    pub fn i32(self, at: usize) -> Result<i32, Error> {
        Ok(i32::from_le_bytes(self.bytes(at)?))
    }

    pub fn u64(self, at: usize) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.bytes(at)?))
    }

    fn u16(self, at: usize) -> Result<usize, Error> {
        Ok(usize::from(u16::from_le_bytes(self.bytes(at)?)))
    }

    /// The position that the offset at a byte refers to.
    pub fn follow(self, at: usize) -> Result<usize, Error> {
        let target = at.checked_add(self.u32(at)? as usize);
        target
            .filter(|it| *it < self.0.len())
            .ok_or_else(|| Error::Malformed(format!("byte {at} extends beyond its end")))
    }

    /// The table at this position.
    pub fn table(self, at: usize) -> Result<Table, Error> {
        let lost = || Error::Malformed(format!("the table at byte {at} has no fields"));
        let back = i64::from(self.i32(at)?);
        let fields = i64::try_from(at).ok().and_then(|it| usize::try_from(it - back).ok()).ok_or_else(lost)?;
        let size = self.u16(fields)?;
        let fields_end = fields.checked_add(size).filter(|it| 4 <= size && *it <= self.0.len()).ok_or_else(lost)?;
        Ok(Table { at, fields, fields_end })
    }

    /// The position of a field of a table, if it has the field; fields count from 0.
    pub fn field(self, table: Table, index: usize) -> Result<Option<usize>, Error> {
        let entry = table.fields + 4 + 2 * index;
        if table.fields_end < entry + 2 {
            return Ok(None);
        }
        Ok(match self.u16(entry)? {
            0 => None,
            offset => Some(table.at + offset),
        })
    }

    /// The number of fields that the table's list has.
    pub fn n_fields(self, table: Table) -> usize {
        (table.fields_end - table.fields - 4) / 2
    }

    /// The vector in a field, with elements of the given size in bytes; empty if the field is absent.
    pub fn vector(self, table: Table, index: usize, size: usize) -> Result<Vector, Error> {
        let Some(field) = self.field(table, index)? else { return Ok(Vector { at: 0, len: 0 }) };
        let start = self.follow(field)?;
        let (at, len) = (start + 4, self.u32(start)? as usize);
        let end = len.checked_mul(size).and_then(|it| it.checked_add(at));
        match end.filter(|it| *it <= self.0.len()) {
            Some(_) => Ok(Vector { at, len }),
            None => Err(Error::Malformed(format!("the vector at byte {start} extends beyond its end"))),
        }
    }

    /// The tables in a field that is a vector of them.
    pub fn tables(self, table: Table, index: usize) -> Result<Vec<Table>, Error> {
        let Vector { at, len } = self.vector(table, index, 4)?;
        (0..len).map(|it| self.table(self.follow(at + 4 * it)?)).collect()
    }

    /// The numbers in a field that is a vector of them.
    pub fn numbers(self, table: Table, index: usize) -> Result<Vec<i32>, Error> {
        let Vector { at, len } = self.vector(table, index, 4)?;
        (0..len).map(|it| self.i32(at + 4 * it)).collect()
    }

    /// The text in a field; empty if the field is absent. Bytes that are not UTF-8 are replaced.
    pub fn text(self, table: Table, index: usize) -> Result<String, Error> {
        let Vector { at, len } = self.vector(table, index, 1)?;
        Ok(String::from_utf8_lossy(&self.0[at..at + len]).into_owned())
    }
}
