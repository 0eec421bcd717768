//! Values that stand for others: smart pointers, cells, trait objects, variants.

use farsight_session::record::{Content, ValueNode};
use farsight_types::Address;

use super::{Directive, Failure, Found, Names, shape};
use crate::values::Value;
use crate::values::brief::NOTHING_TOLD;
use crate::values::format::TypeSpec;
use crate::values::tree::{Key, Tree};

/// Children of smart pointers and cells that are what these stand for.
const LEADING: [&str; 4] = ["value", "data", "ptr", "pointer"];

impl Tree<'_, '_, '_, '_> {
    /// Shows in a value's place what it stands for, or holds.
    pub(super) fn stands_for<'n>(
        &mut self,
        node: &mut ValueNode,
        directive: &'n Directive,
        names: &mut Names<'n>,
        depth: u32,
    ) -> Result<(), Failure> {
        match directive {
            Directive::At(address, of) => {
                let address = self.ground.natural(address, names)?;
                let (of, _) = self.element(of, names)?;
                match self.wanted() {
                    Some(Key::Target) => self.found(Some(of.there(address)), None),
                    Some(_) => {}
                    None => self.stand_in(node, &of.there(address), depth)?,
                }
            }
            Directive::Object { address, table } => {
                let address = self.ground.natural(address, names)?;
                let table = self.ground.natural(table, names)?;
                let module = names.own.module;
                let Some(of) = self.ground.implementer(module, Address(table))? else {
                    return Err(shape("what implements the trait is not known"));
                };
                let object = Value::memory(module, of, Address(address));
                match self.wanted() {
                    Some(Key::Target) => {
                        self.found(Some(object), None);
                        return Ok(());
                    }
                    Some(_) => return Ok(()),
                    None => {}
                }
                let name = self.ground.type_of(module, &object.type_ref)?.name.clone();
                let inner = self.node(&node.name, &object, depth);
                let told = match &inner.content {
                    Content::Composite => name,
                    _ => format!("{name} {}", crate::values::brief::words(&inner)),
                };
                node.content = Content::Summary(told);
                node.children = inner.children;
                node.more = inner.more;
                node.note = inner.note;
            }
            Directive::Union { storage, index } => {
                let index = self.ground.integer(index, names)?;
                let mut storage = self.ground.value(storage, names)?;
                // As wide as the number of alternatives needs, all bits mean none.
                if index < 0 || index == 0xff || index == 0xffff || index > 0xff {
                    node.content = Content::Summary(String::from("valueless"));
                    return Ok(());
                }
                for _ in 0..index {
                    storage = self.field(&storage, "_M_rest")?;
                }
                let first = self.field(&storage, "_M_first")?;
                let mut inner = self.field(&first, "_M_storage")?;
                // What has a destructor lies in plain bytes.
                if let Some(bytes) = self.ground.field(&inner, "_M_storage").ok().flatten() {
                    let first = Names {
                        own: &first,
                        bound: Vec::new(),
                    };
                    let spec = TypeSpec::Generic(None, String::from("_Type"));
                    let (_, of) = self.ground.type_spec(&spec, &first)?;
                    inner = bytes.other(of, bytes.place.clone());
                }
                self.alternative(node, &inner, index, depth)?;
            }
            Directive::Child(name, value) => {
                if depth == 0 {
                    node.more += 1;
                    return Ok(());
                }
                if let Some(key) = self.wanted() {
                    if let (true, Found::Value(value)) =
                        (LEADING.contains(&name.as_str()), self.ground.evaluate(value, names)?)
                    {
                        let leads = matches!(name.as_str(), "ptr" | "pointer");
                        self.pick_inside(&value, leads, &key)?;
                    }
                    return Ok(());
                }
                let child = match self.ground.evaluate(value, names)? {
                    Found::Value(value) => self.node(name, &value, depth - 1),
                    Found::Number(number) => ValueNode {
                        name: name.clone(),
                        content: Content::Signed(number as i64),
                        ..ValueNode::default()
                    },
                };
                node.children.push(child);
            }
            Directive::Is(value) | Directive::Points(value) => {
                let leads = matches!(directive, Directive::Points(_));
                let value = self.ground.value(value, names)?;
                match self.wanted() {
                    Some(key) => self.pick_inside(&value, leads, &key)?,
                    None => self.stand_in(node, &value, depth)?,
                }
            }
            // The others are not handed here.
            _ => {}
        }
        Ok(())
    }

    /// Shows the alternative of a variant that is there. Which one it is says more than its value: others may have its
    /// type, or look the same.
    fn alternative(&mut self, node: &mut ValueNode, inner: &Value, index: i128, depth: u32) -> Result<(), Failure> {
        let told = self.brief(inner);
        match depth.checked_sub(1) {
            Some(depth) => node.children.push(self.node("value", inner, depth)),
            None => node.more += 1,
        }
        let mut told = told?;
        if told == NOTHING_TOLD {
            told = self.ground.type_of(inner.module, &inner.type_ref)?.name.clone();
        }
        node.content = Content::Summary(format!("{told} [index={index}]"));
        Ok(())
    }

    /// Shows another value in a node's place.
    fn stand_in(&mut self, node: &mut ValueNode, value: &Value, depth: u32) -> Result<(), Failure> {
        let inner = self.node(&node.name, value, depth);
        node.content = match inner.content {
            Content::Composite => Content::Summary(inner.words.unwrap_or(inner.type_name)),
            content => content,
        };
        node.children = inner.children;
        node.more = inner.more;
        node.note = inner.note;
        Ok(())
    }
}
