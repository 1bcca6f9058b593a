//! Accesses from kinds and shapes: what tiles read, and all operators of the networks that lie beside the project.

#![allow(clippy::single_range_in_vec_init, reason = "a region of one dimension")]

use cosma_tile::{Access, Region, Shape, kinds};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

fn shapes(all: &[&[u64]]) -> Vec<Shape> {
    all.iter().map(|dims| Shape { dims: dims.to_vec(), element_bits: 8 }).collect()
}

#[track_caller]
fn access(kind: &str, operands: &[&[u64]], results: &[&[u64]]) -> Access {
    kinds::infer(kind, &shapes(operands), &shapes(results)).expect("the shapes tell it")
}

/// What a region of the first result needs.
#[track_caller]
fn check_needs(kind: &str, operands: &[&[u64]], result: &[u64], region: &[Range<u64>], expected: &[&[Range<u64>]]) {
    let access = access(kind, operands, &[result]);
    let needs = access.needs(&shapes(operands), 0, &Region::new(region.iter().cloned()));
    let expected: Vec<Region> = expected.iter().map(|it| Region::new(it.iter().cloned())).collect();
    assert_eq!(needs, expected, "{kind} {operands:?} -> {result:?}");
}

#[test]
fn convolutions_read_windows() {
    // Stride 2, padding 1: rows 2·3-1 to 2·4+1.
    let operands: &[&[u64]] = &[&[1, 3, 224, 224], &[32, 3, 3, 3], &[32]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..3, 5..10, 0..224], &[8..16, 0..3, 0..3, 0..3], &[8..16]];
    check_needs("Conv", operands, &[1, 32, 112, 112], &[0..1, 8..16, 3..5, 0..112], needs);
    // No padding, as 149 rows say.
    let operands: &[&[u64]] = &[&[1, 3, 299, 299], &[32, 3, 3, 3]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..3, 0..3, 0..299], &[0..32, 0..3, 0..3, 0..3]];
    check_needs("Conv", operands, &[1, 32, 149, 149], &[0..1, 0..32, 0..1, 0..149], needs);
    // One row of weights: the other axis has no window.
    let operands: &[&[u64]] = &[&[1, 8, 17, 17], &[8, 8, 1, 7]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..8, 4..5, 0..7], &[0..8, 0..8, 0..1, 0..7]];
    check_needs("Conv", operands, &[1, 8, 17, 17], &[0..1, 0..8, 4..5, 0..4], needs);
    // A classifier whose result has become a vector.
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..512, 0..1, 0..1], &[5..7, 0..512, 0..1, 0..1], &[5..7]];
    check_needs("Conv", &[&[1, 512, 1, 1], &[9, 512, 1, 1], &[9]], &[1, 9], &[0..1, 5..7], needs);
    // Patches.
    let operands: &[&[u64]] = &[&[1, 3, 224, 224], &[96, 3, 4, 4], &[96]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..3, 8..16, 0..224], &[0..96, 0..3, 0..4, 0..4], &[0..96]];
    check_needs("Conv", operands, &[1, 96, 56, 56], &[0..1, 0..96, 2..4, 0..56], needs);
}

#[test]
fn convolutions_read_the_channels_of_their_group() {
    let depthwise: &[&[u64]] = &[&[1, 32, 14, 14], &[64, 1, 3, 3], &[64]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 4..6, 0..14, 0..14], &[8..12, 0..1, 0..3, 0..3], &[8..12]];
    check_needs("Conv", depthwise, &[1, 64, 14, 14], &[0..1, 8..12, 0..14, 0..14], needs);
    // Four groups of 8 to 4 channels. A result of one group reads at least that group, and all of them all.
    let operands: &[&[u64]] = &[&[1, 32, 14, 14], &[16, 8, 1, 1]];
    let access = access("Conv", operands, &[&[1, 16, 14, 14]]);
    for channel in 0..16 {
        let region = Region::new([0..1, channel..channel + 1, 0..14, 0..14]);
        let group = channel / 4 * 8;
        let needs = &access.needs(&shapes(operands), 0, &region)[0];
        assert!(needs.contains(&Region::new([0..1, group..group + 8, 0..14, 0..14])), "{channel}: {needs}");
        assert!(needs.len() < 32 * 14 * 14, "{channel}: {needs}");
    }
    // Channels that are two axes, as after a shuffle that became part of the operator.
    let operands: &[&[u64]] = &[&[1, 58, 2, 28, 28], &[116, 1, 3, 3], &[116]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 2..4, 0..2, 0..4, 0..28], &[5..7, 0..1, 0..3, 0..3], &[5..7]];
    check_needs("Conv", operands, &[1, 116, 28, 28], &[0..1, 5..7, 0..3, 0..28], needs);
}

#[test]
fn a_stride_that_is_not_clear_reads_the_whole_axis() {
    // Five to three: windows of 3 with stride 2 and padding, or with stride 1 and none.
    let operands: &[&[u64]] = &[&[1, 8, 5, 5], &[8, 8, 3, 3]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..8, 0..5, 0..5], &[0..8, 0..8, 0..3, 0..3]];
    check_needs("Conv", operands, &[1, 8, 3, 3], &[0..1, 0..8, 1..2, 0..3], needs);
    // Padding of 2 or 3: both windows.
    let operands: &[&[u64]] = &[&[1, 3, 224, 224], &[64, 3, 11, 11]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..3, 37..49, 0..224], &[0..64, 0..3, 0..11, 0..11]];
    check_needs("Conv", operands, &[1, 64, 55, 55], &[0..1, 0..64, 10..11, 0..55], needs);
}

#[test]
fn transposed_convolutions_read_what_is_spread() {
    let operands: &[&[u64]] = &[&[1, 64, 8, 8], &[64, 32, 2, 2]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..64, 1..3, 0..8], &[0..64, 0..32, 0..2, 0..2]];
    check_needs("ConvTranspose", operands, &[1, 32, 16, 16], &[0..1, 0..32, 2..5, 0..16], needs);
    // Windows of 4 reach one further.
    let operands: &[&[u64]] = &[&[1, 64, 8, 8], &[64, 32, 4, 4], &[32]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..64, 0..3, 0..8], &[0..64, 0..32, 0..4, 0..4], &[0..32]];
    check_needs("ConvTranspose", operands, &[1, 32, 16, 16], &[0..1, 0..32, 2..4, 0..16], needs);
}

#[test]
fn pools_read_all_windows_that_the_sizes_allow() {
    // Of two, of three with padding, or of three where the last one may be cut off.
    check_needs(
        "MaxPool",
        &[&[1, 8, 112, 112]],
        &[1, 8, 56, 56],
        &[0..1, 0..8, 4..5, 0..56],
        &[&[0..1, 0..8, 7..11, 0..112]],
    );
    check_needs(
        "MaxPool",
        &[&[1, 8, 35, 35]],
        &[1, 8, 17, 17],
        &[0..1, 0..8, 4..5, 0..17],
        &[&[0..1, 0..8, 8..11, 0..35]],
    );
    check_needs(
        "AveragePool",
        &[&[1, 8, 35, 35]],
        &[1, 8, 35, 35],
        &[0..1, 2..3, 4..5, 0..35],
        &[&[0..1, 2..3, 3..6, 0..35]],
    );
    check_needs(
        "GlobalAveragePool",
        &[&[1, 8, 7, 7]],
        &[1, 8, 1, 1],
        &[0..1, 2..3, 0..1, 0..1],
        &[&[0..1, 2..3, 0..7, 0..7]],
    );
}

#[test]
fn resizing_reads_the_nearest() {
    check_needs(
        "Resize",
        &[&[1, 8, 16, 16]],
        &[1, 8, 32, 32],
        &[0..1, 0..8, 8..9, 0..32],
        &[&[0..1, 0..8, 3..6, 0..16]],
    );
    check_needs("Resize", &[&[1, 8, 1, 1]], &[1, 8, 32, 32], &[0..1, 3..8, 8..9, 0..32], &[&[0..1, 3..8, 0..1, 0..1]]);
}

#[test]
fn products_read_rows_and_columns() {
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..12, 4..8, 0..64], &[0..1, 0..12, 0..64, 0..128]];
    let operands: &[&[u64]] = &[&[1, 12, 128, 64], &[1, 12, 64, 128]];
    check_needs("MatMul", operands, &[1, 12, 128, 128], &[0..1, 0..12, 4..8, 0..128], needs);
    // Weights with outputs first, as a `Gemm` has them; rows of a reshaped operand.
    let operands: &[&[u64]] = &[&[1, 77, 8, 64], &[512, 512], &[512]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 3..5, 0..8, 0..64], &[16..32, 0..512], &[16..32]];
    check_needs("Gemm", operands, &[77, 512], &[3..5, 16..32], needs);
    // Heads that share keys, and a mask.
    let operands: &[&[u64]] = &[&[1, 12, 256, 64], &[1, 4, 64, 256], &[256, 256]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 4..5, 8..16, 0..64], &[0..1, 1..2, 0..64, 0..256], &[8..16, 0..256]];
    check_needs("MatMul", operands, &[1, 4, 3, 256, 256], &[0..1, 1..2, 1..2, 8..16, 0..256], needs);
    // A square one per head may be transposed: it is read whole.
    let operands: &[&[u64]] = &[&[1, 8, 64, 64], &[1, 8, 64, 64]];
    let needs: &[&[Range<u64>]] = &[&[0..1, 2..3, 0..8, 0..64], &[0..1, 0..8, 0..64, 0..64]];
    check_needs("MatMul", operands, &[1, 8, 64, 64], &[0..1, 2..3, 0..8, 0..8], needs);
}

#[test]
fn normalisations_keep_their_axes() {
    let operands: &[&[u64]] = &[&[128, 768], &[768], &[768]];
    let needs: &[&[Range<u64>]] = &[&[4..8, 0..768], &[0..768], &[0..768]];
    check_needs("LayerNormalization", operands, &[1, 128, 768], &[0..1, 4..8, 0..10], needs);
    check_needs(
        "Softmax",
        &[&[1, 4, 3, 256, 256]],
        &[1, 4, 768, 256],
        &[0..1, 1..2, 256..512, 0..9],
        &[&[0..1, 1..2, 1..2, 0..256, 0..256]],
    );
    // Ten channels to a group: channel 15 needs channels 10 to 19.
    let operands: &[&[u64]] = &[&[1, 320, 8, 8], &[32], &[32]];
    let access = access("InstanceNormalization", operands, &[&[1, 320, 8, 8]]);
    let needs = &access.needs(&shapes(operands), 0, &Region::new([0..1, 15..16, 0..1, 0..1]))[0];
    assert!(needs.contains(&Region::new([0..1, 10..20, 0..8, 0..8])), "{needs}");
    // What has a vector along the last axis may be a normalisation.
    let needs: &[&[Range<u64>]] = &[&[0..1, 4..8, 0..768], &[0..1, 4..8, 0..768], &[0..768]];
    check_needs("Add", &[&[1, 256, 768], &[1, 256, 768], &[768]], &[1, 256, 768], &[0..1, 4..8, 0..10], needs);
}

#[test]
fn elementwise_operands_are_spread() {
    let needs: &[&[Range<u64>]] = &[&[0..1, 8..16, 3..5, 0..40], &[0..1, 8..16, 0..1, 0..1]];
    check_needs("Mul", &[&[1, 128, 40, 40], &[1, 128, 1, 1]], &[1, 128, 40, 40], &[0..1, 8..16, 3..5, 0..40], needs);
    // In another shape, and one number for each channel.
    let needs: &[&[Range<u64>]] = &[&[0..1, 3..5, 0..768], &[3..5, 0..768]];
    check_needs("Add", &[&[1, 50, 768], &[50, 768]], &[1, 50, 768], &[0..1, 3..5, 0..768], needs);
    let needs: &[&[Range<u64>]] = &[&[0..1, 8..16, 3..5, 0..64], &[0..1, 8..16]];
    check_needs("Add", &[&[1, 320, 64, 64], &[1, 320]], &[1, 320, 64, 64], &[0..1, 8..16, 3..5, 0..64], needs);
    // Transposed and reshaped: not to be told.
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..512, 3..5, 0..8], &[0..1, 0..64, 0..512]];
    check_needs("Add", &[&[1, 512, 8, 8], &[1, 64, 512]], &[1, 512, 8, 8], &[0..1, 0..512, 3..5, 0..8], needs);
}

#[test]
fn concatenations_and_splits_move_by_an_offset() {
    let operands: &[&[u64]] = &[&[1, 64, 8, 8], &[1, 32, 8, 8], &[96]];
    let needs: &[&[Range<u64>]] = &[&[0..0, 0..0, 0..0, 0..0], &[0..1, 6..16, 2..3, 0..8], &[70..80]];
    let access = access("Concat", operands, &[&[1, 96, 8, 8]]);
    let region = Region::new([0..1, 70..80, 2..3, 0..8]);
    let found = access.needs(&shapes(operands), 0, &region);
    assert!(found[0].is_empty() && needs[0].iter().all(|it| it.is_empty()), "{found:?}");
    assert_eq!(found[1..], [Region::new(needs[1].iter().cloned()), Region::new(needs[2].iter().cloned())]);
    let results: &[&[u64]] = &[&[1, 10, 8, 8], &[1, 6, 8, 8]];
    let access = crate::access("Split", &[&[1, 16, 8, 8]], results);
    let needs = access.needs(&shapes(&[&[1, 16, 8, 8]]), 1, &Region::new([0..1, 2..4, 1..2, 0..8]));
    assert_eq!(needs, [Region::new([0..1, 12..14, 1..2, 0..8])]);
    // Boxes of several scales, reshaped.
    let operands: &[&[u64]] = &[&[1, 38, 38, 4, 4], &[1, 16, 1, 1]];
    let access = crate::access("Concat", operands, &[&[1, 5780, 4]]);
    let needs = access.needs(&shapes(operands), 0, &Region::new([0..1, 5777..5780, 0..4]));
    assert!(needs[0].is_empty() && needs[1] == Region::new([0..1, 4..16, 0..1, 0..1]), "{needs:?}");
    // Either of the two axes could be the one.
    assert_eq!(kinds::infer("Split", &shapes(&[&[2, 2]]), &shapes(&[&[1, 2], &[2, 1]])), None);
}

#[test]
fn movements_read_what_they_may_move() {
    // One of 112 rows is left out: the first or the last.
    check_needs(
        "Slice",
        &[&[1, 8, 112, 112]],
        &[1, 8, 111, 111],
        &[0..1, 0..8, 5..6, 0..111],
        &[&[0..1, 0..8, 5..7, 0..112]],
    );
    check_needs(
        "Transpose",
        &[&[1, 56, 56, 96]],
        &[1, 96, 56, 56],
        &[0..1, 0..96, 5..6, 0..56],
        &[&[0..1, 5..6, 0..56, 0..96]],
    );
    check_needs("Transpose", &[&[128, 768]], &[1, 12, 128, 64], &[0..1, 2..3, 5..6, 0..64], &[&[5..6, 128..192]]);
    check_needs("Transpose", &[&[128, 768]], &[1, 12, 64, 128], &[0..1, 2..3, 0..64, 5..6], &[&[5..6, 128..192]]);
    check_needs("Transpose", &[&[1, 768, 7, 7]], &[1, 49, 768], &[0..1, 7..14, 0..768], &[&[0..1, 0..768, 1..2, 0..7]]);
    // Four groups of eight heads by 256 tokens: those of a group are read at once.
    let needs: &[&[Range<u64>]] = &[&[0..1, 1..2, 0..2048, 3..5]];
    check_needs("Transpose", &[&[1, 4, 2048, 64]], &[1, 256, 32, 64], &[0..1, 6..7, 8..16, 3..5], needs);
    // Channels are shuffled: four times eight of them become eight times four.
    let needs: &[&[Range<u64>]] = &[&[0..1, 10..11, 5..6, 0..112]];
    check_needs("Transpose", &[&[1, 32, 112, 112]], &[1, 8, 4, 112, 112], &[0..1, 2..3, 1..2, 5..6, 0..112], needs);
    // Pixels of patches, with channels last: not rows of patches.
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..144, 0..32, 0..32]];
    check_needs("Transpose", &[&[1, 144, 32, 32]], &[1, 4, 256, 144], &[0..1, 1..2, 6..7, 3..5], needs);
    // Channels last, and image rows as one: what joined an addition may be turned.
    let needs: &[&[Range<u64>]] = &[&[0..56, 0..9], &[0..1, 2..3, 3..4, 0..8]];
    check_needs("Add", &[&[56, 9], &[1, 9, 7, 8]], &[1, 9, 7, 8], &[0..1, 2..3, 3..4, 0..8], needs);
    // As many tokens as a head has elements: which is which cannot be told, but the head can.
    let needs: &[&[Range<u64>]] = &[&[0..1, 0..64, 128..192]];
    check_needs("Transpose", &[&[1, 64, 512]], &[1, 8, 64, 64], &[0..1, 2..3, 5..6, 0..64], needs);
    // As many heads as images: those of all images and heads, of one of three products.
    let needs: &[&[Range<u64>]] = &[&[5..774, 144..288]];
    check_needs("Transpose", &[&[1024, 432]], &[3, 4, 4, 256, 36], &[1..2, 0..1, 3..4, 5..6, 0..36], needs);
    let needs: &[&[Range<u64>]] = &[&[0..4, 0..4, 5..7, 0..36]];
    check_needs("Transpose", &[&[4, 4, 256, 36]], &[4, 256, 4, 36], &[1..2, 5..7, 2..3, 0..36], needs);
    // A square matrix cannot have stayed what it is.
    check_needs(
        "Transpose",
        &[&[1, 8, 64, 64]],
        &[1, 8, 64, 64],
        &[0..1, 0..8, 5..6, 0..64],
        &[&[0..1, 0..8, 0..64, 0..64]],
    );
    check_needs("Pad", &[&[1, 8, 83, 83]], &[1, 8, 85, 85], &[0..1, 2..3, 5..6, 0..85], &[&[0..1, 2..3, 0..83, 0..83]]);
    // An image that is shifted, and what may be shifted along any axis.
    check_needs("Pad", &[&[1, 8, 83, 83]], &[1, 8, 83, 83], &[0..1, 2..3, 5..6, 0..83], &[&[0..1, 2..3, 0..83, 0..83]]);
    check_needs("Pad", &[&[8, 83]], &[8, 83], &[2..3, 0..83], &[&[0..8, 0..83]]);
    let needs: &[&[Range<u64>]] = &[&[0..1000, 0..64], &[0..1, 5..9]];
    check_needs("Gather", &[&[1000, 64], &[1, 128]], &[1, 128, 64], &[0..1, 5..9, 0..64], needs);
    check_needs("Gather", &[&[1, 50, 768]], &[1, 768], &[0..1, 4..8], &[&[0..1, 0..50, 4..8]]);
}

#[test]
fn shapes_that_tell_little_are_read_in_every_way() {
    // A softmax before or after its rows became one: over all of them.
    let needs: &[&[Range<u64>]] = &[&[2..3, 0..64, 0..64]];
    check_needs("Softmax", &[&[4, 64, 64]], &[4, 4096], &[2..3, 5..6], needs);
    // Rows of which eight are one axis of the operand and its next one.
    let needs: &[&[Range<u64>]] = &[&[0..1, 1..2, 2..3, 0..256, 0..16]];
    check_needs("Softmax", &[&[1, 4, 8, 256, 16]], &[1, 4, 2048, 16], &[0..1, 1..2, 512..515, 0..16], needs);
    // What is left of the operand once a mean is taken off.
    check_needs("ReduceMean", &[&[1, 8, 4]], &[1, 8, 4], &[0..1, 2..3, 0..4], &[&[0..1, 0..8, 0..4]]);
    // Patches of an image, put side by side again, in whatever order.
    let operands: &[&[u64]] = &[&[64, 2, 8, 2], &[96, 4, 1, 1]];
    let needs: &[&[Range<u64>]] = &[&[0..64, 0..2, 0..8, 0..2], &[0..96, 0..4, 0..1, 0..1]];
    check_needs("Conv", operands, &[1, 96, 32, 16], &[0..1, 0..96, 5..6, 0..16], needs);
    // Three axes in place of two: the first one, and all of the others.
    check_needs("Reshape", &[&[6, 4]], &[3, 2, 4], &[1..2, 0..2, 0..4], &[&[2..4, 0..4]]);
    check_needs("Reshape", &[&[4, 6, 5]], &[8, 3, 5], &[5..7, 0..3, 0..5], &[&[2..4, 0..6, 0..5]]);
    check_needs("Reshape", &[&[4, 6, 5]], &[3, 8, 5], &[1..2, 0..4, 2..3], &[&[1..2, 0..6, 2..3]]);
}

#[test]
fn what_is_not_known_stays_whole() {
    for (kind, operands, result) in
        [("LSTM", &[1, 8][..], &[1, 8][..]), ("Conv", &[1, 8, 8, 8], &[1, 8, 8, 8]), ("Relu", &[1, 0], &[1, 0])]
    {
        assert_eq!(kinds::infer(kind, &shapes(&[operands]), &shapes(&[result])), None, "{kind}");
    }
    assert_eq!(kinds::infer("Relu", &[], &[]), None);
    let huge = [u64::MAX, u64::MAX];
    assert_eq!(kinds::infer("MatMul", &shapes(&[&huge, &huge]), &shapes(&[&huge])), None);
}

/// Kind, operands and results of an operator of a network.
type Signature = (String, Vec<Shape>, Vec<Shape>);

/// The types in a piece of text.
fn types(text: &str) -> Vec<Shape> {
    let dims = |it: &str| it.split('x').filter_map(|it| it.parse().ok()).collect();
    let tensors = text.split("tensor<").skip(1).map(|it| it.split('>').next().unwrap_or_default());
    tensors.map(|it| Shape { dims: dims(it), element_bits: 8 }).collect()
}

/// The operators of a network, each in a line of its own.
fn operators(text: &str) -> Vec<Signature> {
    let operator = |line: &str| {
        let kind = line.split("kind = \"").nth(1)?.split('"').next()?;
        let (operands, results) = line.split_once(" : (")?.1.split_once(") -> ")?;
        Some((kind.to_owned(), types(operands), types(results)))
    };
    text.lines().filter(|it| it.contains("\"cosma.op\"")).map(|it| operator(it).expect("an operator")).collect()
}

/// The networks beside the project, with their names.
fn networks() -> Option<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/networks");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        let is_allowed = std::env::var_os("COSMA_WITHOUT_SHARED").is_some_and(|it| it == "1");
        assert!(is_allowed, "there is no {}", folder.display());
        println!("skipped: there is no {}", folder.display());
        return None;
    };
    let paths =
        entries.map(|it| it.expect("an entry").path()).filter(|it| it.extension().is_some_and(|it| it == "mlir"));
    let name = |it: &Path| it.file_stem().expect("a name").to_string_lossy().into_owned();
    Some(paths.map(|it| (name(&it), std::fs::read_to_string(&it).expect("a network"))).collect())
}

/// Every access fits its operator, and few operators of inference networks stay whole: of which kinds, and how many.
#[test]
fn operators_of_networks_have_accesses() {
    let Some(networks) = networks() else { return };
    let mut whole = BTreeMap::new();
    let mut n_operators = 0;
    for (network, text) in &networks {
        for (kind, operands, results) in operators(text) {
            n_operators += 1;
            match kinds::infer(&kind, &operands, &results) {
                Some(access) => assert_eq!(access.check(&operands, &results), Ok(()), "{network}: {kind}"),
                None if network.starts_with("train_") => {}
                None => *whole.entry(kind).or_insert(0) += 1,
            }
        }
    }
    let whole: Vec<String> = whole.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    assert_eq!((n_operators, whole.join(", ").as_str()), (16184, ""));
}
