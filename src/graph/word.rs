//! Closed lists of words as enums of the contract.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::{Deprecation, MetaEnumValue, MetaType, MetaTypeId, Registry};
use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, Name, OutputType, Positioned, ServerResult,
    Value,
};

use crate::text::vocabulary::Vocabulary;

/// A word of a closed list, in and out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<E>(pub E);

fn create_type<E: Vocabulary>(_registry: &mut Registry) -> MetaType {
    let mut enum_values = IndexMap::new();
    for word in E::VARIANTS {
        let name = word.as_ref().to_owned();
        let value = MetaEnumValue {
            name: name.clone(),
            description: word.get_documentation().map(str::to_owned),
            deprecation: Deprecation::NoDeprecated,
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            directive_invocations: Vec::new(),
        };
        enum_values.insert(name, value);
    }
    MetaType::Enum {
        name: E::NAME.to_owned(),
        description: Some(E::ABOUT.to_owned()),
        enum_values,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: Some(std::any::type_name::<Word<E>>()),
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

impl<E: Vocabulary> InputType for Word<E> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(E::NAME)
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::Enum, create_type::<E>)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let word = match &value {
            Value::Enum(name) => Some(name.as_str()),
            Value::String(name) => Some(name.as_str()),
            Value::Null
            | Value::Number(_)
            | Value::Boolean(_)
            | Value::Binary(_)
            | Value::List(_)
            | Value::Object(_) => None,
        };
        match word.and_then(|word| E::from_str(word).ok()) {
            Some(word) => Ok(Self(word)),
            None => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Enum(Name::new(self.0.as_ref()))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<E: Vocabulary> OutputType for Word<E> {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(E::NAME)
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Enum, create_type::<E>)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _field: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Enum(Name::new(self.0.as_ref())))
    }
}

/// The words of an argument as the stores take them.
pub fn words<E: Vocabulary>(words: Vec<Word<E>>) -> Vec<String> {
    words.iter().map(|word| word.0.as_ref().to_owned()).collect()
}
