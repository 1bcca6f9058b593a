//! The part of ONNX's protobuf format that the importer reads: field numbers and types of `onnx.proto3`.
//!
//! Declared by hand, which needs no code generation. Other fields are skipped.

#![allow(missing_docs)] // The names are those of the format, whose documentation explains them.

mod message;

use bytes::Bytes;
use message::message;

message!(ModelProto {
    1 ir_version: i64 = plain int64,
    7 graph: Option<GraphProto> = optional message,
    8 opset_import: Vec<OperatorSetIdProto> = repeated message,
    25 functions: Vec<FunctionProto> = repeated message,
});

message!(OperatorSetIdProto {
    1 domain: String = plain string,
    2 version: i64 = plain int64,
});

message!(GraphProto {
    1 node: Vec<NodeProto> = repeated message,
    2 name: String = plain string,
    5 initializer: Vec<TensorProto> = repeated message,
    11 input: Vec<ValueInfoProto> = repeated message,
    12 output: Vec<ValueInfoProto> = repeated message,
    13 value_info: Vec<ValueInfoProto> = repeated message,
    15 sparse_initializer: Vec<SparseTensorProto> = repeated message,
});

message!(FunctionProto {
    1 name: String = plain string,
    4 input: Vec<String> = repeated string,
    5 output: Vec<String> = repeated string,
    7 node: Vec<NodeProto> = repeated message,
    10 domain: String = plain string,
});

message!(NodeProto {
    1 input: Vec<String> = repeated string,
    2 output: Vec<String> = repeated string,
    3 name: String = plain string,
    4 op_type: String = plain string,
    5 attribute: Vec<AttributeProto> = repeated message,
    7 domain: String = plain string,
    /// Notes of the exporter.
    9 metadata_props: Vec<StringStringEntryProto> = repeated message,
});

message!(AttributeProto {
    1 name: String = plain string,
    2 f: Option<f32> = optional float,
    3 i: Option<i64> = optional int64,
    4 s: Option<Bytes> = optional bytes,
    5 t: Option<TensorProto> = optional message,
    6 g: Option<GraphProto> = optional message,
    7 floats: Vec<f32> = repeated float,
    8 ints: Vec<i64> = repeated int64,
    11 graphs: Vec<GraphProto> = repeated message,
    20 r#type: i32 = plain int32,
    21 ref_attr_name: String = plain string,
    22 sparse_tensor: Option<SparseTensorProto> = optional message,
});

message!(TensorProto {
    1 dims: Vec<i64> = repeated int64,
    2 data_type: i32 = plain int32,
    4 float_data: Vec<f32> = repeated float,
    5 int32_data: Vec<i32> = repeated int32,
    7 int64_data: Vec<i64> = repeated int64,
    8 name: String = plain string,
    9 raw_data: Bytes = plain bytes,
    10 double_data: Vec<f64> = repeated double,
    11 uint64_data: Vec<u64> = repeated uint64,
    /// `location` (a path), `offset` and `length` (bytes) of data in another file.
    13 external_data: Vec<StringStringEntryProto> = repeated message,
    /// 1 if the data lies in another file.
    14 data_location: i32 = plain int32,
});

message!(StringStringEntryProto {
    1 key: String = plain string,
    2 value: String = plain string,
});

message!(SparseTensorProto {
    1 values: Option<TensorProto> = optional message,
    2 indices: Option<TensorProto> = optional message,
    3 dims: Vec<i64> = repeated int64,
});

message!(ValueInfoProto {
    1 name: String = plain string,
    2 r#type: Option<TypeProto> = optional message,
});

message!(/// Of the kinds of types, only tensors are told apart; all others leave `tensor_type` empty.
TypeProto {
    1 tensor_type: Option<TensorTypeProto> = optional message,
});

message!(TensorTypeProto {
    1 elem_type: i32 = plain int32,
    2 shape: Option<TensorShapeProto> = optional message,
});

message!(TensorShapeProto {
    1 dim: Vec<DimensionProto> = repeated message,
});

message!(DimensionProto {
    1 dim_value: Option<i64> = optional int64,
    2 dim_param: Option<String> = optional string,
});
