//! What clients of a listener must know, and what each of it opens.

use farsight_types::AccessRole;

use super::key::{Key, KeyId};
use crate::connection_string::{Credential, Secret, ServerOptions};

/// All that a listener asks for; empty where it asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    password: Option<Secret>,
    /// A key is asked for, though there be none that opens.
    wants_key: bool,
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
                locks.wants_key = true;
                // What is no key opens nothing; the parser lets none in.
                let Some(key) = Key::read(written.expose()) else {
                    return locks;
                };
                if has_roles {
                    let lesser = lesser_keys(&key, options.role);
                    locks.keys.extend(lesser.map(|(role, key)| (key, Some(role))));
                }
                locks.keys.push((key, None));
            }
        }
        locks
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.password.is_none() && !self.wants_key
    }

    /// Whether a password is asked for, and not a key.
    pub fn wants_password(&self) -> bool {
        self.password.is_some()
    }

    pub(super) fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    pub(super) fn has_keys(&self) -> bool {
        self.wants_key
    }

    /// The key of a name, and what it opens beside what the listener does.
    pub(super) fn key(&self, id: KeyId) -> Option<(&Key, Option<AccessRole>)> {
        let found = self.keys.iter().find(|(key, _)| key.id() == id)?;
        Some((&found.0, found.1))
    }
}

/// The keys of the roles below that of a listener, which without one gives all rights: each is made of the one before, so that
/// every role can let in those who may less.
pub(crate) fn lesser_keys(key: &Key, role: Option<AccessRole>) -> impl Iterator<Item = (AccessRole, Key)> {
    let own = role.unwrap_or(AccessRole::Owner);
    let mut above = key.clone();
    [AccessRole::Operator, AccessRole::Observer]
        .into_iter()
        .filter(move |role| *role < own)
        .map(move |role| {
            above = above.for_role(role);
            (role, above.clone())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_key_of_a_role_can_make_those_of_lesser_ones() {
        let key = Key::draw().unwrap();
        let of = |key: &Key, role| lesser_keys(key, role).collect::<Vec<_>>();
        let all = of(&key, None);
        assert_eq!(all, of(&key, Some(AccessRole::Owner)));
        let [(AccessRole::Operator, operator), (AccessRole::Observer, observer)] = &all[..] else {
            panic!("{all:?}");
        };
        assert_eq!(
            of(operator, Some(AccessRole::Operator)),
            [(AccessRole::Observer, observer.clone())]
        );
        assert_eq!(of(observer, Some(AccessRole::Observer)), []);
    }

    #[test]
    fn what_is_no_key_opens_nothing() {
        let mut options = ServerOptions::default();
        assert!(Locks::of(&options, true).is_empty());
        for written in ["new", "env:X", ""] {
            options.credential = Some(Credential::Key(Secret::new(written)));
            let locks = Locks::of(&options, true);
            assert!(!locks.is_empty() && locks.has_keys() && locks.keys.is_empty());
        }
    }
}
