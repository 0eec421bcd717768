//! Names, and what is said where something is wrong.

use super::super::value::{FieldPlace, Operand, Shape};
use super::{Outcome, Walk};
use crate::expression::error::near;
use crate::expression::{ExprError, ExprErrorKind, ScopeError};

impl Walk<'_, '_> {
    /// As C++ looks for names: in the function, then in its class, then everywhere.
    pub(super) fn name(&mut self, name: &str, at: usize) -> Outcome<Operand> {
        let found = self.scope.local(name);
        if let Some(found) = found.map_err(|error| self.failed(error, at))? {
            return self.through_reference(found, at);
        }
        if let Some(field) = self.field_of_this(name, at)? {
            return Ok(field);
        }
        let found = self.scope.variable(name);
        match found.map_err(|error| self.failed(error, at))? {
            Some(found) => self.through_reference(found, at),
            None => Err(self.unknown(name, at)?),
        }
    }

    /// What is said of a name that is no variable's.
    fn unknown(&mut self, name: &str, at: usize) -> Outcome<ExprError> {
        if let Some((class, own)) = name.rsplit_once("::").filter(|(class, _)| !class.is_empty()) {
            let of = self.scope.type_named(class);
            if let Some(of) = of.map_err(|error| self.failed(error, at))?
                && self.way_in(&of, own, at)?.is_some()
            {
                let what = format!("Only an object has {name}; name one, as in x.{own}, or use #FIELD_OFFSET");
                return Ok(self.wrong(at, &what));
            }
        }
        Ok(self.unresolved(at))
    }

    /// A member function's own fields need no `this->`. Where `this` has no value yet, its fields have none, but other
    /// names do.
    pub(super) fn field_of_this(&mut self, name: &str, at: usize) -> Outcome<Option<Operand>> {
        if name == "this" || name.contains('!') {
            return Ok(None);
        }
        let error = match self.scope.local("this") {
            Ok(None) => return Ok(None),
            Ok(Some(this)) => return self.own_field(this, name, at),
            Err(error) => error,
        };
        let Some(Shape::Pointer(class)) = self.scope.type_of_this().map(|of| self.shape(&of, at)).transpose()? else {
            return Ok(None);
        };
        match self.way_in(&class, name, at)?.and_then(|mut way| way.pop()) {
            None => Ok(None),
            Some(field) if matches!(field.place, FieldPlace::Static(_)) => {
                let nothing = Operand::integer(class, 0);
                let found = self.field_part(&nothing, &field, at)?;
                self.through_reference(found, at).map(Some)
            }
            Some(_) => Err(self.failed(error, at)),
        }
    }

    pub(super) fn found(&self, found: Result<Option<Operand>, ScopeError>, at: usize) -> Outcome<Operand> {
        let found = found.map_err(|error| self.failed(error, at))?;
        found.ok_or_else(|| self.unresolved(at))
    }

    pub(super) fn unresolved(&self, at: usize) -> ExprError {
        let near = near(self.text, at);
        ExprError::new(at, ExprErrorKind::Unresolved { near })
    }

    pub(super) fn failed(&self, error: ScopeError, at: usize) -> ExprError {
        let near = near(self.text, at);
        ExprError::new(at, ExprErrorKind::Scope { error, near })
    }

    pub(super) fn wrong(&self, at: usize, what: &str) -> ExprError {
        let near = near(self.text, at);
        let what = what.to_owned();
        ExprError::new(at, ExprErrorKind::Refused { what, near })
    }
}
