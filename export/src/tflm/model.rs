//! Reads a TensorFlow Lite model: the fields of `schema.fbs` that memory planning needs.

use super::flat::{Flat, Table};
use crate::Error;

/// The file identifier of a model, after its first offset (`file_identifier` of the schema).
const IDENTIFIER: &[u8] = b"TFL3";

/// The fields of a `Model`, as the schema numbers them.
pub mod field {
    pub const SUBGRAPHS: usize = 2;
    pub const BUFFERS: usize = 4;
    pub const METADATA: usize = 6;
    /// The number of known fields.
    pub const COUNT: usize = 10;
}

/// A model.
#[derive(Debug)]
pub struct Model<'a> {
    pub flat: Flat<'a>,
    pub root: Table,
    pub buffers: Vec<Table>,
    pub subgraphs: Vec<Subgraph>,
    pub metadata: Vec<Metadata>,
}

/// A function of a model; the first one is what runs.
#[derive(Debug)]
pub struct Subgraph {
    pub tensors: Vec<Tensor>,
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
    /// In the order in which they run.
    pub operators: Vec<Operator>,
}

/// A tensor of a subgraph.
#[derive(Debug)]
pub struct Tensor {
    pub name: String,
    /// `None` if it is unknown before the model runs.
    pub bytes: Option<u64>,
    is_constant: bool,
    is_variable: bool,
}

impl Tensor {
    /// Whether it occupies room in the arena at some time.
    pub fn is_planned(&self) -> bool {
        !self.is_constant && !self.is_variable && self.bytes != Some(0)
    }
}

/// An operator by its tensors. Omitted optional tensors are not listed.
#[derive(Debug)]
pub struct Operator {
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
}

/// An entry of the metadata.
#[derive(Debug)]
pub struct Metadata {
    pub name: String,
    pub table: Table,
}

impl<'a> Model<'a> {
    /// Reads a model.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn read(bytes: &'a [u8]) -> Result<Model<'a>, Error> {
        let flat = Flat(bytes);
        if bytes.get(4..8) != Some(IDENTIFIER) {
            return Err(Error::Malformed("it is not a TensorFlow Lite model: it does not begin with TFL3".into()));
        }
        let root = flat.table(flat.follow(0)?)?;
        let buffers = flat.tables(root, field::BUFFERS)?;
        let mut has_data = Vec::with_capacity(buffers.len());
        for buffer in &buffers {
            has_data.push(flat.vector(*buffer, 0, 1)?.len != 0 || is_outside(flat, *buffer, 1)?);
        }
        let subgraphs = flat.tables(root, field::SUBGRAPHS)?;
        let subgraphs = subgraphs.into_iter().map(|it| subgraph(flat, it, &has_data)).collect::<Result<_, _>>()?;
        let metadata = flat.tables(root, field::METADATA)?.into_iter();
        let metadata = metadata.map(|table| Ok(Metadata { name: flat.text(table, 0)?, table }));
        let metadata = metadata.collect::<Result<_, Error>>()?;
        Ok(Model { flat, root, buffers, subgraphs, metadata })
    }

    /// Whether it has data after the flatbuffer, which is found by its distance from the start of the file.
    pub fn has_bytes_outside(&self) -> Result<bool, Error> {
        for buffer in &self.buffers {
            if is_outside(self.flat, *buffer, 1)? {
                return Ok(true);
            }
        }
        for subgraph in self.flat.tables(self.root, field::SUBGRAPHS)? {
            for operator in self.flat.tables(subgraph, 3)? {
                if is_outside(self.flat, operator, 8)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Whether a table has a field with the position of data outside of the flatbuffer; 0 and 1 mean none.
fn is_outside(flat: Flat<'_>, table: Table, field: usize) -> Result<bool, Error> {
    Ok(match flat.field(table, field)? {
        Some(at) => 1 < flat.u64(at)?,
        None => false,
    })
}

fn subgraph(flat: Flat<'_>, table: Table, has_data: &[bool]) -> Result<Subgraph, Error> {
    let tensors = flat.tables(table, 0)?;
    let tensors: Vec<Tensor> = tensors.into_iter().map(|it| tensor(flat, it, has_data)).collect::<Result<_, _>>()?;
    let listed = |table: Table, field: usize| -> Result<Vec<usize>, Error> {
        let mut indices = Vec::new();
        for number in flat.numbers(table, field)? {
            // -1 is an operand that is left out.
            let Ok(index) = usize::try_from(number) else { continue };
            if tensors.len() <= index {
                return Err(Error::Malformed(format!("it refers to tensor {index}, which does not exist")));
            }
            indices.push(index);
        }
        Ok(indices)
    };
    let operators = flat.tables(table, 3)?;
    let operators = operators.into_iter().map(|it| Ok(Operator { inputs: listed(it, 1)?, outputs: listed(it, 2)? }));
    let operators = operators.collect::<Result<_, Error>>()?;
    let (inputs, outputs) = (listed(table, 1)?, listed(table, 2)?);
    Ok(Subgraph { tensors, inputs, outputs, operators })
}

fn tensor(flat: Flat<'_>, table: Table, has_data: &[bool]) -> Result<Tensor, Error> {
    let number = |field| flat.field(table, field)?.map_or(Ok(0), |it| flat.u32(it));
    let byte = |field| flat.field(table, field)?.map_or(Ok(0), |it| flat.u8(it));
    let buffer = number(2)? as usize;
    Ok(Tensor {
        name: flat.text(table, 3)?,
        bytes: bytes(&flat.numbers(table, 0)?, byte(1)?),
        // The eleventh field names what lies in another file.
        is_constant: has_data.get(buffer).copied().unwrap_or(false) || number(10)? != 0,
        is_variable: byte(5)? != 0,
    })
}

/// The bytes of a tensor, if its type has a size and no dimension is unknown.
fn bytes(shape: &[i32], element: u8) -> Option<u64> {
    // In the order of `TensorType`: FLOAT32, FLOAT16, INT32, UINT8, INT64, STRING, BOOL, INT16, COMPLEX64, INT8, FLOAT64,
    // COMPLEX128, UINT64, RESOURCE, VARIANT, UINT32, UINT16, INT4, BFLOAT16.
    const BITS: [u64; 19] = [32, 16, 32, 8, 64, 0, 8, 16, 64, 8, 64, 128, 64, 0, 0, 32, 16, 4, 16];
    let bits = *BITS.get(usize::from(element)).filter(|it| **it != 0)?;
    let n_elements = shape.iter().try_fold(1_u64, |n, it| n.checked_mul(u64::try_from(*it).ok()?))?;
    Some(n_elements.checked_mul(bits)?.div_ceil(8))
}
