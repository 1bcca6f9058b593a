//! The framework's module that a node is of, as PyTorch's exporter notes it in the node's metadata:
//!
//! ```text
//! pkg.torch.onnx.name_scopes = ['', 'layers.0', 'layers.0.self_attn', 'linear']
//! namespace = : Net/layers.0: Encoder/layers.0.self_attn: Attention/linear: aten.linear.default
//! ```
//!
//! The scopes go from the whole network to the operation of the framework, which is left out. As a path:
//! `layers.0/self_attn`. Older versions of the exporter write only `namespace`, which has the same with types.

use crate::proto::{NodeProto, StringStringEntryProto};

const NAME_SCOPES: &str = "pkg.torch.onnx.name_scopes";
const NAMESPACE: &str = "namespace";

/// The longest entry that is read, in bytes. Inlining copies entries, so one without end would multiply.
const LONGEST: usize = 2_000;

/// Of a node's metadata, leaves only what tells its module.
pub fn keep_only_module(node: &mut NodeProto) {
    let is_module = |it: &StringStringEntryProto| matches!(it.key.as_str(), NAME_SCOPES | NAMESPACE);
    node.metadata_props.retain(|it| is_module(it) && it.value.len() <= LONGEST);
}

/// The path of the module that a node is of: empty for the whole network; none if the model does not tell.
pub fn module_of(node: &NodeProto) -> Option<String> {
    let entry = |key: &str| node.metadata_props.iter().find(|it| it.key == key).map(|it| it.value.as_str());
    let scopes = entry(NAME_SCOPES).and_then(strings).or_else(|| entry(NAMESPACE).and_then(names_of_namespace))?;
    // The last one is the operation.
    let (_, modules) = scopes.split_last()?;
    let mut path: Vec<&str> = Vec::new();
    let mut around = "";
    for module in modules.iter().map(String::as_str).filter(|it| !it.is_empty()) {
        if module == around {
            continue;
        }
        let within = module.strip_prefix(around).and_then(|it| it.strip_prefix('.'));
        path.push(within.filter(|it| !it.is_empty()).unwrap_or(module));
        around = module;
    }
    Some(path.join("/"))
}

/// The strings of a list as Python writes it; none if it is no such list.
fn strings(list: &str) -> Option<Vec<String>> {
    let mut rest = list.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut strings = Vec::new();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|it| matches!(it, '\'' | '"'))?;
        let mut string = String::new();
        let mut chars = rest[1..].char_indices();
        let end = loop {
            match chars.next()? {
                (_, '\\') => string.push(chars.next()?.1),
                (at, it) if it == quote => break at,
                (_, it) => string.push(it),
            }
        };
        strings.push(string);
        // The quote before it, and the one behind.
        rest = rest[end + 2..].trim_start();
        rest = match rest.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(strings)
}

/// The names in `name: type/name: type`; none if it is something else.
fn names_of_namespace(namespace: &str) -> Option<Vec<String>> {
    namespace.split('/').map(|it| it.split_once(':').map(|it| it.0.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(key: &str, value: &str) -> Option<String> {
        let entry = StringStringEntryProto { key: key.into(), value: value.into() };
        let mut node = NodeProto { metadata_props: vec![entry], ..NodeProto::default() };
        keep_only_module(&mut node);
        module_of(&node)
    }

    #[test]
    fn scopes_become_a_path() {
        let scopes = |it| path(NAME_SCOPES, it);
        assert_eq!(scopes("['', 'layer1', 'layer1.0', 'layer1.0.bn1', 'norm']").unwrap(), "layer1/0/bn1");
        assert_eq!(scopes("['', 'layers.0', 'layers.0.self_attn', 'linear']").unwrap(), "layers.0/self_attn");
        // A module that is used elsewhere than it is defined, and one that is named twice.
        assert_eq!(scopes("['', 'decoder', 'shared.proj', 'shared.proj', 'linear']").unwrap(), "decoder/shared.proj");
        assert_eq!(scopes(r#"["", "it's", 'a\'b', "add"]"#).unwrap(), "it's/a'b");
        assert_eq!(scopes("['', 'add']").unwrap(), "");
        assert_eq!(scopes("['add']").unwrap(), "");
        let namespace = ": Net/layer1: torch.nn.modules.container.Sequential/layer1.0: Block/add: aten.add.Tensor";
        assert_eq!(path(NAMESPACE, namespace).unwrap(), "layer1/0");
    }

    #[test]
    fn what_is_no_list_of_scopes_tells_nothing() {
        for wrong in ["", "[", "[]", "layer1", "['a' 'b']", "['a", "['a\\", "[a]", "['ä', x]"] {
            assert_eq!(path(NAME_SCOPES, wrong), None, "{wrong}");
        }
        assert_eq!(path(NAMESPACE, "layer1/conv"), None);
        assert_eq!(path("other", "['', 'add']"), None);
        assert_eq!(path(NAME_SCOPES, &format!("['', '{}', 'add']", "a".repeat(LONGEST))), None);
    }
}
