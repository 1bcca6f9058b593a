//! The C functions of the files in `dialect`, and strings that cross the interface.

use mlir_sys::{
    MlirAffineMap, MlirAttribute, MlirContext, MlirDialectRegistry, MlirLocation, MlirModule, MlirOperation,
    MlirPassManager, MlirStringRef, MlirType,
};
use std::any::Any;
use std::ffi::{c_char, c_int, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[repr(C)]
pub(crate) struct CosmaOption {
    pub name: MlirStringRef,
    pub description: MlirStringRef,
    pub initial: MlirStringRef,
}

#[repr(C)]
pub(crate) struct CosmaPass {
    pub name: MlirStringRef,
    pub description: MlirStringRef,
    pub anchor: MlirStringRef,
    pub options: *const CosmaOption,
    pub n_options: isize,
    pub user: *const c_void,
    pub run: unsafe extern "C" fn(MlirOperation, *const c_void, *const MlirStringRef, isize) -> bool,
}

#[repr(C)]
#[derive(Default)]
pub(crate) struct CosmaAlias {
    pub result: i64,
    pub operand: i64,
    pub at: i64,
}

#[repr(C)]
#[derive(Default)]
pub(crate) struct CosmaResidency {
    pub start: i64,
    pub end: i64,
    pub offset: i64,
}

/// -1 or null if absent.
#[repr(C)]
pub(crate) struct CosmaMachine {
    pub scratchpad: i64,
    pub alignment: i64,
    pub element_bytes: i64,
    pub weights: i64,
    pub keep: i64,
    pub weight_computation: i64,
    pub reserved: MlirAttribute,
    pub links: MlirAttribute,
    pub compute: MlirAttribute,
    pub memories: MlirAttribute,
    pub home: MlirAttribute,
    /// Given instead of the scratchpad's size.
    pub scratchpad_name: MlirAttribute,
}

/// The null attribute.
pub(crate) const NO_ATTRIBUTE: MlirAttribute = MlirAttribute { ptr: std::ptr::null() };

impl CosmaMachine {
    /// A value with all fields absent.
    pub(crate) fn unsaid() -> CosmaMachine {
        CosmaMachine {
            scratchpad: -1,
            alignment: -1,
            element_bytes: -1,
            weights: -1,
            keep: -1,
            weight_computation: -1,
            reserved: NO_ATTRIBUTE,
            links: NO_ATTRIBUTE,
            compute: NO_ATTRIBUTE,
            memories: NO_ATTRIBUTE,
            home: NO_ATTRIBUTE,
            scratchpad_name: NO_ATTRIBUTE,
        }
    }
}

#[repr(C)]
pub(crate) struct CosmaPlan {
    pub operators: i64,
    pub total: i64,
    pub compulsory: i64,
    pub non_compulsory: i64,
    pub lower_bound: i64,
    pub fragmentation: i64,
    pub prologue: i64,
    pub peak: i64,
    pub min_scratchpad: i64,
    pub is_optimal: bool,
    pub is_min_exact: bool,
    pub solver: MlirStringRef,
    /// Empty if there is none.
    pub proof: MlirStringRef,
    /// -1 if there is none.
    pub cycles_bound: i64,
    /// Empty if there is none.
    pub cycles_bound_rule: MlirStringRef,
    /// -1 if there is none.
    pub any_order_bound: i64,
    /// Empty if there is none.
    pub any_order_rule: MlirStringRef,
    /// -1 if there is none.
    pub cost: i64,
    /// -1 if there is none.
    pub cost_bound: i64,
}

#[repr(C)]
pub(crate) struct CosmaAccess {
    pub sizes: *const i64,
    pub kinds: *const i64,
    pub ways: *const i64,
    pub maps: *const MlirAffineMap,
    pub n_dims: isize,
    pub n_ways: isize,
    pub n_maps: isize,
    /// `None` if it is null.
    pub sums: MlirType,
}

/// Names and numbers live in the attribute's context.
#[repr(C)]
pub(crate) struct CosmaTile {
    pub of: MlirStringRef,
    pub offsets: *const i64,
    pub sizes: *const i64,
    pub n_loops: isize,
}

impl CosmaTile {
    /// A value to be filled by reading.
    pub(crate) fn unread() -> CosmaTile {
        let none = std::ptr::null();
        CosmaTile { of: Text::new("").raw(), offsets: none, sizes: none, n_loops: 0 }
    }
}

impl CosmaAccess {
    /// A value to be filled by reading.
    pub(crate) fn unread() -> CosmaAccess {
        let none = std::ptr::null();
        let (maps, sums) = (std::ptr::null(), MlirType { ptr: std::ptr::null() });
        CosmaAccess { sizes: none, kinds: none, ways: none, maps, n_dims: 0, n_ways: 0, n_maps: 0, sums }
    }
}

unsafe extern "C" {
    pub(crate) fn cosmaAccessAttr(context: MlirContext, access: *const CosmaAccess) -> MlirAttribute;
    pub(crate) fn cosmaReadAccess(attribute: MlirAttribute, access: *mut CosmaAccess) -> bool;
    pub(crate) fn cosmaAccessMap(attribute: MlirAttribute, index: isize) -> MlirAffineMap;
    pub(crate) fn cosmaCall(code: unsafe extern "C" fn(*mut *mut c_void), arguments: *mut *mut c_void) -> bool;
    pub(crate) fn cosmaLeave() -> !;
    pub(crate) fn cosmaInsertDialect(registry: MlirDialectRegistry);
    pub(crate) fn cosmaRegisterPass(pass: *const CosmaPass);
    pub(crate) fn cosmaOptMain(n_arguments: c_int, arguments: *mut *mut c_char) -> c_int;
    pub(crate) fn cosmaLspServerMain(n_arguments: c_int, arguments: *mut *mut c_char) -> c_int;
    pub(crate) fn cosmaIsPass(name: MlirStringRef) -> bool;
    pub(crate) fn cosmaReadFlags(n_arguments: c_int, arguments: *const *const c_char) -> bool;
    pub(crate) fn cosmaApplyFlags(manager: MlirPassManager) -> bool;
    pub(crate) fn cosmaParse(context: MlirContext, text: MlirStringRef, name: MlirStringRef) -> MlirModule;
    pub(crate) fn cosmaEmit(
        location: MlirLocation,
        is_error: bool,
        message: MlirStringRef,
        note_locations: *const MlirLocation,
        notes: *const MlirStringRef,
        n_notes: isize,
    );
    pub(crate) fn cosmaArgumentAttribute(
        function: MlirOperation,
        argument: isize,
        name: MlirStringRef,
    ) -> MlirAttribute;
    pub(crate) fn cosmaSetArgumentAttribute(
        function: MlirOperation,
        argument: isize,
        name: MlirStringRef,
        value: MlirAttribute,
    );
    pub(crate) fn cosmaResultAttribute(function: MlirOperation, result: isize, name: MlirStringRef) -> MlirAttribute;
    pub(crate) fn cosmaSetResultAttribute(
        function: MlirOperation,
        result: isize,
        name: MlirStringRef,
        value: MlirAttribute,
    );
    pub(crate) fn cosmaIsElementwise(operation: MlirOperation) -> bool;
    pub(crate) fn cosmaIsMemoryEffectFree(operation: MlirOperation) -> bool;
    pub(crate) fn cosmaEquivalenceHash(operation: MlirOperation) -> u64;
    pub(crate) fn cosmaIsEquivalent(one: MlirOperation, other: MlirOperation) -> bool;
    pub(crate) fn cosmaIsCall(operation: MlirOperation) -> bool;
    pub(crate) fn cosmaHasRecursiveEffects(operation: MlirOperation) -> bool;
    pub(crate) fn cosmaDecomposePack(operation: MlirOperation) -> bool;
    pub(crate) fn cosmaDetach(operation: MlirOperation);
    pub(crate) fn cosmaDestroyDetached(operation: MlirOperation);
    pub(crate) fn cosmaIsSymbolUnused(symbol: MlirOperation, module: MlirOperation) -> bool;
    pub(crate) fn cosmaReadAlias(attribute: MlirAttribute, alias: *mut CosmaAlias) -> bool;
    pub(crate) fn cosmaReadResidency(attribute: MlirAttribute, residency: *mut CosmaResidency) -> bool;
    pub(crate) fn cosmaReadMachine(attribute: MlirAttribute, machine: *mut CosmaMachine) -> bool;
    pub(crate) fn cosmaReadPlan(attribute: MlirAttribute, plan: *mut CosmaPlan) -> bool;
    pub(crate) fn cosmaReadTile(attribute: MlirAttribute, tile: *mut CosmaTile) -> bool;
    pub(crate) fn cosmaAliasAttr(context: MlirContext, alias: *const CosmaAlias) -> MlirAttribute;
    pub(crate) fn cosmaResidencyAttr(context: MlirContext, residency: *const CosmaResidency) -> MlirAttribute;
    pub(crate) fn cosmaTransitType(tensor: MlirType) -> MlirType;
    pub(crate) fn cosmaTransitTensor(r#type: MlirType) -> MlirType;
    pub(crate) fn cosmaMachineAttr(context: MlirContext, machine: *const CosmaMachine) -> MlirAttribute;
    pub(crate) fn cosmaPlanAttr(context: MlirContext, plan: *const CosmaPlan) -> MlirAttribute;
    pub(crate) fn cosmaLoops(operation: MlirOperation) -> MlirAttribute;
    pub(crate) fn cosmaSliceResult(
        operation: MlirOperation,
        result: isize,
        offsets: *const i64,
        sizes: *const i64,
        rank: isize,
        before: MlirOperation,
    ) -> MlirOperation;
    pub(crate) fn cosmaSplatValue(attribute: MlirAttribute) -> MlirAttribute;
}

/// Bytes as MLIR's string reference, for as long as they are borrowed.
pub(crate) struct Text<'a> {
    raw: MlirStringRef,
    _bytes: PhantomData<&'a [u8]>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(bytes: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        let bytes = bytes.as_ref();
        let raw = MlirStringRef { data: bytes.as_ptr().cast(), length: bytes.len() };
        Text { raw, _bytes: PhantomData }
    }

    pub(crate) fn raw(&self) -> MlirStringRef {
        self.raw
    }
}

/// A copy of MLIR's text; bytes that are not UTF-8 are replaced.
///
/// # Safety
/// The text is alive.
pub(crate) unsafe fn string(text: MlirStringRef) -> String {
    if text.data.is_null() {
        return String::new();
    }
    // SAFETY: the caller's.
    let bytes = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.length) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// A callback for MLIR's printing functions: appends to the `Vec<u8>` that `data` points to.
pub(crate) unsafe extern "C" fn append(text: MlirStringRef, data: *mut c_void) {
    // Of no text MLIR may have no address.
    if text.length == 0 {
        return;
    }
    // SAFETY: MLIR passes on the pointer that came with the callback, and text that is alive.
    let (bytes, buffer) =
        unsafe { (std::slice::from_raw_parts(text.data.cast::<u8>(), text.length), &mut *data.cast::<Vec<u8>>()) };
    buffer.extend_from_slice(bytes);
}

/// Runs a callback from MLIR. A panic must not cross into C++: it becomes its message.
pub(crate) fn guard<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| message(payload.as_ref()))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|it| (*it).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
