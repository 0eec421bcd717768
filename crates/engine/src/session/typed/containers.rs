//! Elements of containers and what smart pointers lead to, as the formatters of their types have them.

use farsight_symbols::Place as Stored;

use super::TypedScope;
use super::shapes::known;
use crate::expression::ScopeError;
use crate::expression::cpp::{self, Operand, Shape};
use crate::values::{Key, Picked, Value};

impl TypedScope<'_> {
    pub(super) fn element_of(&mut self, of: &Operand, key: &Key) -> Result<Option<Operand>, ScopeError> {
        let mut of = of.clone();
        if let Ok(Shape::Pointer(_)) = cpp::shape("", &of.of, self) {
            of = cpp::follow("", of, self).map_err(failed)?;
        }
        match self.picked(&of, key)? {
            Some(Picked::Found(value)) => self.as_operand(value).map(Some),
            Some(Picked::Beyond(count)) => {
                let why = match key {
                    Key::Number(index) => format!("There is no element {index}, there are {count}"),
                    Key::Text(_) | Key::Target => String::from("Its elements have numbers and no keys"),
                };
                Err(ScopeError::Unavailable { why })
            }
            Some(Picked::Nothing) => Err(ScopeError::Unavailable {
                why: match key {
                    Key::Number(key) => format!("There is no element with the key {key}"),
                    Key::Text(key) => format!("There is no element with the key \"{key}\""),
                    Key::Target => String::from("It is empty"),
                },
            }),
            Some(Picked::NotAmong(count)) => Err(ScopeError::Unavailable {
                why: match key {
                    Key::Number(key) => {
                        format!("{key} is not among the first {count} elements, and no more are looked through")
                    }
                    Key::Text(key) => {
                        format!(
                            "\"{key}\" is not among the keys of the first {count} elements, and no more are looked through"
                        )
                    }
                    Key::Target => String::from("It is not known what it leads to"),
                },
            }),
            Some(Picked::OtherKeys) => Err(ScopeError::Unavailable {
                why: String::from("Its keys are of another kind; dx shows its elements"),
            }),
            Some(Picked::Unknown) | None => Ok(None),
        }
    }

    pub(super) fn led_to(&mut self, of: &Operand) -> Result<Option<Operand>, ScopeError> {
        match self.picked(of, &Key::Target)? {
            Some(Picked::Found(value)) => self.as_operand(value).map(Some),
            _ => Ok(None),
        }
    }

    fn picked(&mut self, of: &Operand, key: &Key) -> Result<Option<Picked>, ScopeError> {
        let picked = self.with_shown(of, |ground, value| ground.pick(value, key))?;
        match picked {
            Some(picked) => picked.map(Some).map_err(|error| super::places::unavailable(&error)),
            None => Ok(None),
        }
    }

    fn as_operand(&mut self, value: Value) -> Result<Operand, ScopeError> {
        let of = known(self.base_of(value.module), value.type_ref);
        let place: Stored = value.place.map_err(|error| super::places::unavailable(&error))?;
        self.placed(of, place)
    }
}

fn failed(error: crate::expression::ExprError) -> ScopeError {
    match error.kind {
        crate::expression::ExprErrorKind::Scope { error, .. } => error,
        kind => ScopeError::Unavailable { why: kind.to_string() },
    }
}
