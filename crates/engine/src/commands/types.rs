//! `dt`: types by their fields, with the values of an object beside them.

mod arguments;
mod describe;
mod layout;
mod lists;

use farsight_session::Record;
use farsight_session::record::{TypeLayout, ValueNode};
use farsight_symbols::TypeRef;
use farsight_types::Address;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::cpp::{self, CppScope, CppType, Operand};
use crate::session::{Session, TypedScope, cpp_type_in_module};
use crate::values::{Limits, Value};
use arguments::Arguments;
use layout::Layout;

pub(super) const ROWS: &[Row] = &[Row {
    names: &["dt"],
    usage: "dt [-a[N] -b -c -d -i -o -r[N] -s Size -t -v -n|-y] [Module!]Name [[-y] Field[.]...] [Address] [-l Field]  \
            (dt . repeats the name)",
    summary: "Shows a type's fields, or those of an object; a pattern lists types with their sizes. -r goes into fields \
              and pointers, -b into fields alone, -a into arrays, -l follows a list; dots behind a field show its own \
              fields.",
    needs: Needs::Target,
    writes: false,
    prefix: Prefix::Selects,
    run: show,
}];

/// What a name stands for.
struct Named {
    /// The module's base, and the type in it.
    module: Address,
    of: TypeRef,
    /// The object, where it is a variable.
    object: Option<Operand>,
}

fn show(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let done = shown(session, invocation);
    super::typed::with_reason(session, done)
}

fn shown(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let arguments = Arguments::parse(session, invocation)?;
    if let Some(pattern) = arguments.pattern() {
        return lists::matching(session, &arguments, pattern);
    }
    let name_at = invocation.position_of(arguments.whole);
    let named = session.in_typed_scope(name_at, |scope| {
        let named = named(scope, &arguments).map_err(|error| error.of(&arguments.name))?;
        let named = named.ok_or_else(|| cpp::unresolved(&arguments.name))?;
        Ok((named, std::mem::take(&mut scope.elsewhere)))
    });
    let named = named.map(|(named, elsewhere)| {
        super::typed::say_what_was_meant(session, &elsewhere);
        named
    });
    if let (Err(_), Some(of)) = (&named, plain_type(session, &arguments)?) {
        return show_plain(session, invocation, &arguments, of);
    }
    let (named, mut rest) = match named {
        Ok(named) => (named, arguments.rest),
        // `dt Address` is about the variable there.
        Err(unknown) => match at_address(session, invocation, &arguments)? {
            Some(named) => (named, ""),
            None => return Err(unknown),
        },
    };
    session.memos.type_name = Some(arguments.name.clone());
    let fields = arguments.fields(session, &named, &mut rest)?;
    let object = match rest.trim() {
        "" => named.object.clone(),
        text => {
            let (address, behind) = session.evaluate_prefix(text, invocation.position_of(text))?;
            invocation.expect_end(behind)?;
            let of = cpp::known_type(named.module, named.of.clone());
            Some(Operand::memory(of, address))
        }
    };
    if let Some(list) = arguments.list {
        return lists::follow(session, &arguments, &named, &fields, object, list);
    }
    let heading = match (&named.object, arguments.verbose) {
        (Some(variable), _) if rest.trim().is_empty() => heading_of(session, &named, variable)?,
        _ => None,
    };
    let record = one(session, &arguments, &named, &fields, object.as_ref(), heading)?;
    session.output.record(Record::Layout(record));
    Ok(Flow::Done)
}

/// A type that no module needs to have, such as `int *`.
fn plain_type(session: &mut Session, arguments: &Arguments<'_>) -> Result<Option<CppType>, CommandError> {
    let written = session.in_typed_scope(0, |scope| Ok(scope.written_type(&arguments.name)))?;
    Ok(written.filter(|of| cpp_type_in_module(of).0.is_none()))
}

/// Such a type, or what is of it at an address.
fn show_plain(
    session: &mut Session,
    invocation: &Invocation<'_>,
    arguments: &Arguments<'_>,
    of: CppType,
) -> Result<Flow, CommandError> {
    let text = arguments.rest.trim();
    let value = if text.is_empty() {
        session.in_typed_scope(0, |scope| {
            let type_name = cpp::type_name(scope, &of);
            let size = cpp::size_of(&arguments.name, &of, scope)?;
            Ok(ValueNode {
                type_name: format!("{type_name}, 0x{size:x} bytes"),
                content: farsight_session::record::Content::Nothing,
                ..ValueNode::default()
            })
        })?
    } else {
        let (address, behind) = session.evaluate_prefix(text, invocation.position_of(text))?;
        invocation.expect_end(behind)?;
        let operand = Operand::memory(of, address);
        session.in_typed_scope(0, |scope| {
            let shown = scope.show("", &operand, Limits::default());
            shown.map_err(|error| error.of(&arguments.name))
        })?
    };
    session.memos.type_name = Some(arguments.name.clone());
    session.output.record(Record::Layout(TypeLayout {
        value: Some(value),
        ..TypeLayout::default()
    }));
    Ok(Flow::Done)
}

/// `Local var @ 0x... Type int`.
fn heading_of(session: &mut Session, named: &Named, variable: &Operand) -> Result<Option<String>, CommandError> {
    session.in_typed_scope(0, |scope| {
        let of = cpp::known_type(named.module, named.of.clone());
        let name = cpp::type_name(scope, &of);
        let place = match variable.address() {
            Some(address) => format!(" @ {}", Address(address)),
            None => String::new(),
        };
        Ok(Some(format!("Var{place} Type {name}")))
    })
}

/// One type, or one object of it.
fn one(
    session: &mut Session,
    arguments: &Arguments<'_>,
    named: &Named,
    fields: &[arguments::FieldPath],
    object: Option<&Operand>,
    heading: Option<String>,
) -> Result<TypeLayout, CommandError> {
    session.in_typed_scope(0, |scope| {
        let operand = match object {
            Some(operand) => operand.clone(),
            None => Operand::memory(cpp::known_type(named.module, named.of.clone()), 0),
        };
        if named.object.is_some() {
            // It may be an array whose length its frame knows.
            scope.enter_frame();
        }
        let shown = scope.with_shown(&operand, |ground, value| {
            let mut layout = Layout::new(ground, arguments.limits());
            layout.whole(value, object.is_some(), fields)
        });
        let shown = shown.map_err(|error| error.of(&arguments.name))?;
        let mut layout = shown.unwrap_or_default();
        layout.heading = heading.or(layout.heading);
        layout.options = arguments.options;
        Ok(layout)
    })
}

/// The type or variable of a name.
fn named(
    scope: &mut TypedScope<'_>,
    arguments: &Arguments<'_>,
) -> Result<Option<Named>, crate::expression::ScopeError> {
    let name = arguments.name.as_str();
    // A variable of the frame needs no search through all modules.
    if !arguments.only_types
        && let Some(object) = scope.local(name)?
        && let CppType::Known(known) = object.of.clone()
    {
        return Ok(Some(Named {
            module: known.module,
            of: known.of,
            object: Some(object),
        }));
    }
    if let Some(CppType::Known(known)) = scope.type_named(name)? {
        let (module, of, object) = (known.module, known.of, None);
        return Ok(Some(Named { module, of, object }));
    }
    // `Node *` has no entry of its own.
    if let Some(of) = scope.written_type(name)
        && let (Some(module), of) = cpp_type_in_module(&of)
    {
        let object = None;
        return Ok(Some(Named { module, of, object }));
    }
    if arguments.only_types {
        return Ok(None);
    }
    let Some(object) = scope.variable(name)? else {
        return Ok(None);
    };
    Ok(match &object.of {
        CppType::Known(known) => Some(Named {
            module: known.module,
            of: known.of.clone(),
            object: Some(object.clone()),
        }),
        _ => None,
    })
}

/// The variable that lies at an address.
fn at_address(
    session: &mut Session,
    invocation: &Invocation<'_>,
    arguments: &Arguments<'_>,
) -> Result<Option<Named>, CommandError> {
    let text = arguments.whole;
    if !text.starts_with(|first: char| first.is_ascii_digit() || "@$(&".contains(first)) {
        return Ok(None);
    }
    let (address, _) = session.evaluate_prefix(text, invocation.position_of(text))?;
    let place = session.place_of(Address(address))?;
    let Some(name) = place
        .symbol
        .filter(|symbol| symbol.displacement == 0)
        .and_then(|symbol| {
            let name = symbol.name.as_ref()?;
            Some(format!("{}!{name}", symbol.module))
        })
    else {
        return Err(CommandError::NoSuch {
            what: format!(
                "no variable begins at {}; name its type: dt Type Address",
                Address(address)
            ),
        });
    };
    session.in_typed_scope(0, |scope| {
        let object = scope.variable(&name).map_err(|error| error.of(&name))?;
        Ok(object.and_then(|object| match object.of.clone() {
            CppType::Known(known) => Some(Named {
                module: known.module,
                of: known.of,
                object: Some(object),
            }),
            _ => None,
        }))
    })
}

/// What a value is without its fields.
fn alone(ground: &mut crate::values::Ground<'_, '_, '_>, value: &Value) -> ValueNode {
    ground.show("", value, Limits::default())
}
