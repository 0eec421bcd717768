//! Holds a cut string against its form: unknown, doubled, foreign and missing keys end here.
//!
//! What passes is a [`Params`], from which the typed constructors take values that know their place.

use super::error::{ConnectionStringError, Fault};
use super::keys::{FORMS, Form, Key, Need, Row, Side, User, protocols};
use super::lexer::{Lexed, Param, Value};
use super::values::Parsed;

/// The parameters of one string, each key at most once and each belonging to the form.
pub(super) struct Params<'t> {
    whole: &'t str,
    form: &'static Form,
    user: User,
    found: Vec<(Key, Param<'t>)>,
}

impl<'t> Params<'t> {
    /// Chooses the form and checks every key against it; `role` is how an error names the reader.
    pub(super) fn check(
        lexed: Lexed<'t>,
        side: Side,
        user: User,
        role: &'static str,
    ) -> Result<Params<'t>, ConnectionStringError> {
        let form = choose_form(&lexed, side, user, role)?;
        let mut params = Params {
            whole: lexed.whole,
            form,
            user,
            found: Vec::new(),
        };
        for param in &lexed.params {
            let key = params.known_key(param)?;
            params.check_shape(key, param)?;
            params.found.push((key, *param));
        }
        params.check_complete(lexed.end)?;
        Ok(params)
    }

    /// The chosen form's protocol.
    pub(super) fn protocol(&self) -> &'static str {
        self.form.protocol
    }

    /// The key that chose this form over the plain one.
    pub(super) fn chosen_by(&self) -> Option<Key> {
        self.form.chosen_by
    }

    /// Whether the key or flag was given.
    pub(super) fn has(&self, key: Key) -> bool {
        self.found.iter().any(|(found, _)| *found == key)
    }

    /// The raw value of a key.
    pub(super) fn value(&self, key: Key) -> Option<Value<'t>> {
        self.found
            .iter()
            .find(|(found, _)| *found == key)
            .and_then(|(_, param)| param.value)
    }

    /// A value that the form demands.
    pub(super) fn required<T>(
        &self,
        key: Key,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Result<T, ConnectionStringError> {
        match self.optional(key, parse)? {
            Some(value) => Ok(value),
            None => Err(self.fail(
                self.whole.len(),
                Fault::MissingKey {
                    key: key.text().to_owned(),
                },
            )),
        }
    }

    /// A value that may be left out.
    pub(super) fn optional<T>(
        &self,
        key: Key,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Result<Option<T>, ConnectionStringError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        match parse(value.text) {
            Ok(parsed) => Ok(Some(parsed)),
            Err(why) => Err(self.fail(value.at, Fault::BadValue { key: key.text(), why })),
        }
    }

    /// An error at a key's value.
    pub(super) fn bad_value(&self, key: Key, why: &str) -> ConnectionStringError {
        let at = self.value(key).map_or(self.whole.len(), |value| value.at);
        self.fail(
            at,
            Fault::BadValue {
                key: key.text(),
                why: why.to_owned(),
            },
        )
    }

    /// Refuses two keys that were both given.
    pub(super) fn exclusive(&self, key: Key, other: Key) -> Result<(), ConnectionStringError> {
        if !self.has(key) || !self.has(other) {
            return Ok(());
        }
        let at = self
            .found
            .iter()
            .find(|(found, _)| *found == key)
            .map_or(0, |(_, param)| param.key_at);
        Err(self.fail(
            at,
            Fault::Conflict {
                key: key.text(),
                other: other.text(),
            },
        ))
    }

    fn known_key(&self, param: &Param<'_>) -> Result<Key, ConnectionStringError> {
        let Some(key) = Key::find(param.key) else {
            let fault = Fault::UnknownKey {
                key: param.key.to_owned(),
                meant: self.nearest(param.key),
            };
            return Err(self.fail(param.key_at, fault));
        };
        if !self.form.rows_for(self.user).any(|row| row.key == key) {
            return Err(self.fail(
                param.key_at,
                Fault::WrongKey {
                    key: key.text(),
                    why: self.why_not(key),
                },
            ));
        }
        if self.has(key) {
            return Err(self.fail(param.key_at, Fault::DuplicateKey { key: key.text() }));
        }
        Ok(key)
    }

    fn check_shape(&self, key: Key, param: &Param<'_>) -> Result<(), ConnectionStringError> {
        let takes_value = self.form.row(key).is_some_and(|row| row.placeholder.is_some());
        match (takes_value, &param.value) {
            (true, None) => Err(self.fail(param.key_at, Fault::ValueMissing { key: key.text() })),
            (true, Some(value)) if value.text.is_empty() => {
                Err(self.fail(value.at, Fault::ValueMissing { key: key.text() }))
            }
            (false, Some(_)) => Err(self.fail(param.key_at, Fault::ValueUnwanted { key: key.text() })),
            _ => Ok(()),
        }
    }

    fn check_complete(&self, end: usize) -> Result<(), ConnectionStringError> {
        let mut choice: Vec<&'static str> = Vec::new();
        let mut chosen: Option<Key> = None;
        for row in self.form.rows_for(self.user) {
            match row.need {
                Need::Required if !self.has(row.key) => {
                    return Err(self.fail(
                        end,
                        Fault::MissingKey {
                            key: row.key.text().to_owned(),
                        },
                    ));
                }
                Need::OneOf => {
                    choice.push(row.key.text());
                    if self.has(row.key) {
                        // A pin goes together with a certificate; two certificates do not.
                        match chosen {
                            Some(other) if row.key != Key::Pin => self.exclusive(row.key, other)?,
                            _ => chosen = chosen.or(Some(row.key)),
                        }
                    }
                }
                _ => {}
            }
        }
        if !choice.is_empty() && chosen.is_none() {
            return Err(self.fail(
                end,
                Fault::MissingKey {
                    key: choice.join("' or '"),
                },
            ));
        }
        Ok(())
    }

    /// Where a key that exists would belong instead.
    fn why_not(&self, key: Key) -> String {
        let same = |side: Side| {
            FORMS
                .iter()
                .filter(move |form| form.side == side && form.row(key).is_some())
        };
        let at = |side: Side| same(side).any(|form| form.protocol == self.form.protocol);
        if self.form.row(key).is_some() {
            return "is not for a repeater, which only copies bytes".to_owned();
        }
        if self.form.chosen_by == Some(Key::CliCon) && at(self.form.side) {
            return "does not go together with clicon".to_owned();
        }
        match self.form.side {
            Side::Client if at(Side::Server) => "belongs to the string of the server, not of a client".to_owned(),
            Side::Server if at(Side::Client) => "belongs to the string of a client, not of the server".to_owned(),
            side if at(side) => "does not go together with the other keys here".to_owned(),
            _ => format!("does not belong to {}", self.form.protocol),
        }
    }

    fn nearest(&self, text: &str) -> Option<&'static str> {
        let text = text.to_ascii_lowercase();
        let near = |row: &&Row| distance(&text, &row.key.text().to_ascii_lowercase());
        let row = self
            .form
            .rows_for(self.user)
            .filter(|row| near(row) <= 2)
            .min_by_key(near)?;
        Some(row.key.text())
    }

    fn fail(&self, at: usize, fault: Fault) -> ConnectionStringError {
        ConnectionStringError::new(self.whole, at, fault).with_form(self.form.text(self.user))
    }
}

fn choose_form(
    lexed: &Lexed<'_>,
    side: Side,
    user: User,
    role: &'static str,
) -> Result<&'static Form, ConnectionStringError> {
    let usable = protocols(side, user);
    let same = |name: &str| name.eq_ignore_ascii_case(lexed.protocol);
    let Some(protocol) = usable.iter().copied().find(|name| same(name)) else {
        let known = FORMS.iter().map(|form| form.protocol).find(|name| same(name));
        let usable = usable.join(", ");
        let fault = match known {
            Some(protocol) => Fault::WrongRole {
                protocol: protocol.to_owned(),
                role,
                usable,
            },
            None => Fault::UnknownProtocol {
                protocol: lexed.protocol.to_owned(),
                known: usable,
            },
        };
        return Err(ConnectionStringError::new(lexed.whole, lexed.protocol_at, fault));
    };
    let given = |key: Key| {
        lexed
            .params
            .iter()
            .any(|param| key.text().eq_ignore_ascii_case(param.key))
    };
    let form = FORMS
        .iter()
        .filter(|form| form.side == side && form.protocol == protocol)
        .find(|form| form.chosen_by.is_none_or(given));
    form.ok_or_else(|| {
        let fault = Fault::UnknownProtocol {
            protocol: lexed.protocol.to_owned(),
            known: usable.join(", "),
        };
        ConnectionStringError::new(lexed.whole, lexed.protocol_at, fault)
    })
}

/// How many single-letter changes lie between two short words; long ones are never near.
fn distance(left: &str, right: &str) -> usize {
    if left.len() > 16 {
        return usize::MAX;
    }
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, character) in left.chars().enumerate() {
        let mut diagonal = above;
        let mut last = above + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(&right) {
            let cost = diagonal + usize::from(character != *other);
            diagonal = *cell;
            last = cost.min(*cell + 1).min(last + 1);
            *cell = last;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}
