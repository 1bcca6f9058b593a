//! Sizes of tensors, by example.

use cosma_ir::melior::ir::Type;
use cosma_ir::{new_context, size_in_bytes};

fn check(r#type: &str, expected: &str) {
    let context = new_context();
    let parsed = Type::parse(&context, r#type).expect("the type is well-formed");
    let size = size_in_bytes(parsed).map_or_else(|error| error.to_string(), |size| size.to_string());
    assert_eq!(size, expected, "{type}");
}

#[test]
fn elements_times_their_width() {
    check("tensor<1x3x224x224xi8>", "150528");
    check("tensor<7xf32>", "28");
    check("tensor<7xbf16>", "14");
    check("tensor<7xf8E4M3FN>", "7");
    check("tensor<f64>", "8");
    check("tensor<3xindex>", "24");
    check("tensor<3xcomplex<f32>>", "24");
    check("tensor<5xi128>", "80");
    check("tensor<4x!quant.uniform<i8:f32, 0.5>>", "4");
}

#[test]
fn narrow_elements_are_packed() {
    check("tensor<16xi1>", "16");
    check("tensor<17xi1>", "17");
    check("tensor<3xi4>", "2");
    check("tensor<4xf4E2M1FN>", "2");
}

#[test]
fn empty_tensors_have_no_bytes() {
    check("tensor<0xf32>", "0");
    check("tensor<9223372036854775807x9223372036854775807x0xi64>", "0");
}

#[test]
fn what_has_no_size_says_why() {
    check("tensor<?x4xi8>", "tensor<?x4xi8> has a dynamic dimension");
    check("tensor<*xi8>", "tensor<*xi8> is not a ranked tensor");
    check("memref<4xi8>", "memref<4xi8> is not a ranked tensor");
    check("i8", "i8 is not a ranked tensor");
    check("tensor<4xvector<4xi8>>", "tensor<4xvector<4xi8>> has elements of unknown width");
    check("tensor<4x4xi8, 7 : i64>", "tensor<4x4xi8, 7 : i64> has an encoding");
    let large = "tensor<9223372036854775807x2xi8>";
    check(large, &format!("{large} has more than 2^64 bits"));
}
