//! `dt Pattern*`, which lists types, and `dt -l`, which follows a list of objects.

use std::collections::{BTreeMap, HashSet};

use farsight_session::Record;
use farsight_session::record::{TypeList, TypeRow};
use farsight_symbols::{NameKind, Pattern, TypeId};
use farsight_types::Address;

use super::arguments::{Arguments, FieldPath};
use super::{Named, one};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::cpp::{self, CppType, Operand, Shape};
use crate::expression::{ExprError, ExprErrorKind};
use crate::session::{Session, split_name};

/// Types that are listed.
const MOST_TYPES: usize = 10_000;
/// Types whose fields `-d` shows.
const MOST_DUMPED: usize = 50;
/// Objects of a list that are followed.
const MOST_OBJECTS: usize = 1000;

/// `dt module!Pattern*`.
pub(super) fn matching(session: &mut Session, arguments: &Arguments<'_>, pattern: &str) -> Result<Flow, CommandError> {
    let (only, pattern) = split_name(pattern);
    let module_pattern = only.map(Pattern::new);
    let mut list = TypeList::default();
    let order = session.modules_in_order()?;
    let program = order.first().copied();
    let mut first = Vec::new();
    let mut is_known = only.is_none();
    for index in order {
        let name = session.process()?.modules.get(index).map(|module| module.name.clone());
        let is_meant = match (&module_pattern, &name) {
            (Some(pattern), Some(name)) => pattern.matches(name),
            // Without a module's name it is about the program.
            _ => Some(index) == program,
        };
        if !is_meant {
            continue;
        }
        is_known = true;
        session.load_symbols(&[index])?;
        let Some(info) = session.indexed(index)? else {
            continue;
        };
        let process = session.process()?;
        let Some(module) = process.modules.get(index) else {
            continue;
        };
        let (name, base) = (module.name.clone(), module.image.base);
        let (wanted, matched) = (arguments.size, Pattern::new(pattern));
        // On a thread of its own, so that an interrupt ends it.
        let types = session.ask("looking for types", &info, move |info, index, watch| {
            let reader = info.reader();
            let mut types: BTreeMap<String, (Option<u64>, TypeId)> = BTreeMap::new();
            let looked = index.matching(&reader, NameKind::Type, &matched, watch, |full, named| {
                let of = TypeId(named.id);
                let size = reader.size_of(&of.into());
                if wanted.is_none_or(|wanted| size == Some(wanted)) {
                    types.entry(full.to_owned()).or_insert((size, of));
                }
                types.len() <= MOST_TYPES
            });
            looked.ok().map(|()| types)
        })?;
        let types = types.unwrap_or_default();
        for (full, (size, of)) in types {
            if list.rows.len() >= MOST_TYPES {
                list.cut = true;
                break;
            }
            first.push((base, of));
            list.rows.push(TypeRow {
                module: name.clone(),
                name: full,
                size,
            });
        }
    }
    if let (false, Some(only)) = (is_known, only) {
        return Err(CommandError::NoSuch {
            what: format!("no module is called '{only}'; lm lists them"),
        });
    }
    if list.rows.is_empty() {
        return Err(CommandError::NoSuch {
            what: format!("no type matches '{pattern}'"),
        });
    }
    if !arguments.dumps {
        session.output.record(Record::Types(list));
        return Ok(Flow::Done);
    }
    for (row, (module, of)) in list.rows.iter().zip(first).take(MOST_DUMPED) {
        session.check_interrupt()?;
        let named = Named {
            module,
            of: of.into(),
            object: None,
        };
        let heading = Some(format!("{}!{}", row.module, row.name));
        let record = one(session, arguments, &named, &[], None, heading)?;
        session.output.record(Record::Layout(record));
    }
    Ok(Flow::Done)
}

/// `dt Type Address -l next`.
pub(super) fn follow(
    session: &mut Session,
    arguments: &Arguments<'_>,
    named: &Named,
    fields: &[FieldPath],
    object: Option<Operand>,
    link: &str,
) -> Result<Flow, CommandError> {
    let Some(object) = object else {
        return Err(CommandError::Refused(
            "dt -l follows a list of objects and needs the address of the first".into(),
        ));
    };
    let mut at = session.in_typed_scope(0, |scope| first_of(scope, object))?;
    let mut seen = HashSet::new();
    while let Some(address) = at {
        session.check_interrupt()?;
        if !seen.insert(address) {
            break;
        }
        if seen.len() > MOST_OBJECTS {
            session.output.line(format!(
                "The list goes on behind {MOST_OBJECTS} objects; go on with the address {}",
                Address(address)
            ));
            break;
        }
        let of = cpp::known_type(named.module, named.of.clone());
        let of = session.in_typed_scope(0, |scope| record_of(scope, of))?;
        let operand = Operand::memory(of, address);
        let heading = Some(format!("{link} at {}\n", Address(address)).trim_end().to_owned());
        let record = one(session, arguments, named, fields, Some(&operand), heading)?;
        session.output.record(Record::Layout(record));
        let is_first = seen.len() == 1;
        at = session.in_typed_scope(0, |scope| next(scope, &operand, link, is_first))?;
    }
    Ok(Flow::Done)
}

type Scope<'a> = crate::session::TypedScope<'a>;

/// The type of the objects: what a pointer's leads to.
fn record_of(scope: &mut Scope<'_>, of: CppType) -> Result<CppType, ExprError> {
    match cpp::shape("", &of, scope)? {
        Shape::Pointer(to) | Shape::Reference(to) => Ok(to),
        _ => Ok(of),
    }
}

/// Where the first object is.
fn first_of(scope: &mut Scope<'_>, object: Operand) -> Result<Option<u64>, ExprError> {
    match cpp::shape("", &object.of, scope)? {
        Shape::Pointer(_) => Ok(Some(cpp::as_number("", &object, scope)?).filter(|address| *address != 0)),
        _ => Ok(object.address()),
    }
}

/// The next object. A link that lies in a field of its own type (`list.next`) leads to that field of the next one.
fn next(scope: &mut Scope<'_>, object: &Operand, link: &str, is_first: bool) -> Result<Option<u64>, ExprError> {
    let mut offset = 0;
    let mut part = object.clone();
    let mut behind = Vec::new();
    let start = object.address().unwrap_or(0);
    for name in link.split('.') {
        behind.push(part.clone());
        part = cpp::member(link, part, name, scope)?;
    }
    let of = cpp::shape(link, &part.of, scope)?;
    let Shape::Pointer(to) = of else {
        // A smart pointer leads to the object itself; one that does no more is empty.
        match cpp::follow(link, part, scope) {
            Ok(target) => return Ok(target.address().filter(|address| *address != 0)),
            Err(_) if !is_first => return Ok(None),
            Err(_) => {}
        }
        let near = link.to_owned();
        let what = "This field is no pointer, or leads to nothing".to_owned();
        return Err(ExprError::new(0, ExprErrorKind::Refused { what, near }));
    };
    let target = cpp::type_name(scope, &to);
    for whole in behind.iter().skip(1) {
        if cpp::type_name(scope, &whole.of) == target {
            offset = whole.address().unwrap_or(start).wrapping_sub(start);
        }
    }
    let address = cpp::as_number(link, &part, scope)?;
    Ok((address != 0).then(|| address.wrapping_sub(offset)))
}
