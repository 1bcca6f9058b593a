//! Declares a message: its fields, each with its number, and how they are read and written.
//!
//! Does what prost's derive macro does for the few kinds of fields that are needed. `plain` fields
//! have a value by default, `optional` ones know whether they are there, `repeated` ones are lists.

/// `message!(Name { 1 field: Type = plain int64, … })`
macro_rules! message {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $tag:literal $field:ident: $type:ty = $label:ident $kind:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl prost::Message for $name {
            fn encode_raw(&self, buffer: &mut impl bytes::BufMut) {
                $($crate::proto::message::encode!($label $kind, $tag, self.$field, buffer);)*
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire_type: prost::encoding::WireType,
                buffer: &mut impl bytes::Buf,
                context: prost::encoding::DecodeContext,
            ) -> Result<(), prost::DecodeError> {
                match tag {
                    $($tag => $crate::proto::message::merge!($label $kind, wire_type, self.$field, buffer, context),)*
                    _ => prost::encoding::skip_field(wire_type, tag, buffer, context),
                }
            }

            fn encoded_len(&self) -> usize {
                0 $(+ $crate::proto::message::encoded_len!($label $kind, $tag, self.$field))*
            }

            fn clear(&mut self) {
                *self = $name::default();
            }
        }
    };
}

macro_rules! merge {
    (plain $kind:ident, $wire_type:ident, $field:expr, $buffer:ident, $context:ident) => {
        prost::encoding::$kind::merge($wire_type, &mut $field, $buffer, $context)
    };
    (optional $kind:ident, $wire_type:ident, $field:expr, $buffer:ident, $context:ident) => {
        prost::encoding::$kind::merge($wire_type, $field.get_or_insert_with(Default::default), $buffer, $context)
    };
    (repeated $kind:ident, $wire_type:ident, $field:expr, $buffer:ident, $context:ident) => {
        prost::encoding::$kind::merge_repeated($wire_type, &mut $field, $buffer, $context)
    };
}

macro_rules! encode {
    (plain $kind:ident, $tag:literal, $field:expr, $buffer:ident) => {
        if !$crate::proto::message::is_default(&$field) {
            prost::encoding::$kind::encode($tag, &$field, $buffer);
        }
    };
    (optional $kind:ident, $tag:literal, $field:expr, $buffer:ident) => {
        if let Some(value) = &$field {
            prost::encoding::$kind::encode($tag, value, $buffer);
        }
    };
    (repeated $kind:ident, $tag:literal, $field:expr, $buffer:ident) => {
        prost::encoding::$kind::encode_repeated($tag, &$field, $buffer);
    };
}

macro_rules! encoded_len {
    (plain $kind:ident, $tag:literal, $field:expr) => {
        if $crate::proto::message::is_default(&$field) { 0 } else { prost::encoding::$kind::encoded_len($tag, &$field) }
    };
    (optional $kind:ident, $tag:literal, $field:expr) => {
        $field.as_ref().map_or(0, |value| prost::encoding::$kind::encoded_len($tag, value))
    };
    (repeated $kind:ident, $tag:literal, $field:expr) => {
        prost::encoding::$kind::encoded_len_repeated($tag, &$field)
    };
}

/// Whether a field need not be written.
pub fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

pub(crate) use {encode, encoded_len, merge, message};
