//! What clients of a listener must know, and what each of it opens.

use farsight_types::AccessRole;

use super::key::{Key, KeyId};
use crate::connection_string::{Credential, Secret, ServerOptions};

/// All that a listener asks for; empty where it asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    password: Option<Secret>,
    keys: Vec<(Key, Option<AccessRole>)>,
}

impl Locks {
    /// What the options of a listener say. One whose clients have roles has a key for each role up to its own: who has the
    /// key of a role can make those of lesser ones.
    pub(crate) fn of(options: &ServerOptions, has_roles: bool) -> Locks {
        let mut locks = Locks::default();
        match &options.credential {
            None => {}
            Some(Credential::Password(password)) => locks.password = Some(password.clone()),
            Some(Credential::Key(written)) => {
                // What is no key opens nothing; the parser lets none in.
                let Some(key) = Key::read(written.expose()) else {
                    return locks;
                };
                if has_roles {
                    let lesser = lesser_roles(options.role);
                    locks.keys.extend(lesser.map(|role| (key.for_role(role), Some(role))));
                }
                locks.keys.push((key, None));
            }
        }
        locks
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.password.is_none() && self.keys.is_empty()
    }

    /// Whether a password is asked for, and not a key.
    pub fn wants_password(&self) -> bool {
        self.password.is_some()
    }

    pub(super) fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    pub(super) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The key of a name, and what it opens beside what the listener does.
    pub(super) fn key(&self, id: KeyId) -> Option<(&Key, Option<AccessRole>)> {
        let found = self.keys.iter().find(|(key, _)| key.id() == id)?;
        Some((&found.0, found.1))
    }
}

/// The roles below that of a listener; without one it gives all rights.
pub(crate) fn lesser_roles(role: Option<AccessRole>) -> impl Iterator<Item = AccessRole> {
    let own = role.unwrap_or(AccessRole::Owner);
    [AccessRole::Operator, AccessRole::Observer]
        .into_iter()
        .filter(move |role| *role < own)
}
