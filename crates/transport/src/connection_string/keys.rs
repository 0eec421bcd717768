//! The table of protocols, keys and forms: what may stand in which string, and how the right form is printed.
//!
//! Everything that is said about keys in an error comes from here, so grammar and messages cannot part.

use std::fmt::Write;

/// Which end of a connection, or which kernel link, a form describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Specification 3.2.
    Server,
    /// Specification 3.3.
    Client,
    /// Specification 3.6.
    Kernel,
}

/// Who uses a form, which narrows what it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    Repeater,
    SmartClient,
    Other,
}

macro_rules! keys {
    ($($name:ident = $text:literal, $shown:literal;)*) => {
        /// Every key of every form.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Key { $($name,)* }

        impl Key {
            const ALL: &[Key] = &[$(Key::$name,)*];

            /// As the documentation writes it.
            pub(super) const fn text(self) -> &'static str {
                match self { $(Key::$name => $text,)* }
            }

            /// As the program prints it.
            pub(super) const fn shown(self) -> &'static str {
                match self { $(Key::$name => $shown,)* }
            }
        }
    };
}

keys! {
    Server = "server", "Server";
    Port = "port", "Port";
    Pipe = "pipe", "Pipe";
    Baud = "baud", "Baud";
    Channel = "channel", "Channel";
    CliCon = "clicon", "CliCon";
    Proto = "proto", "Proto";
    CertUser = "certuser", "CertUser";
    MachUser = "machuser", "MachUser";
    Pin = "pin", "Pin";
    Password = "password", "Password";
    Secret = "key", "Key";
    Role = "role", "Role";
    IpVersion = "ipversion", "IpVersion";
    Hidden = "hidden", "Hidden";
    IcfEnable = "IcfEnable", "IcfEnable";
    Insecure = "insecure", "Insecure";
    ThreadEvents = "threadEvents", "ThreadEvents";
    Target = "target", "Target";
    TargetName = "targetname", "TargetName";
    IpPort = "ipport", "IpPort";
    Modem = "modem", "Modem";
    Resets = "resets", "Resets";
    Reconnect = "reconnect", "Reconnect";
    Timeout = "timeout", "Timeout";
    Trans = "trans", "Trans";
}

impl Key {
    /// Keys are matched without regard to case.
    pub(super) fn find(text: &str) -> Option<Key> {
        Key::ALL
            .iter()
            .copied()
            .find(|key| key.text().eq_ignore_ascii_case(text))
    }
}

/// How much a form needs a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
    /// Exactly one of the rows marked so.
    OneOf,
    /// Optional, and not for repeaters, whose string carries no such decision.
    NotRepeater,
}

/// One key in one form; no placeholder makes it a flag.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) placeholder: Option<&'static str>,
    pub(super) need: Need,
}

/// What one protocol looks like at one side.
pub(super) struct Form {
    pub(super) protocol: &'static str,
    pub(super) side: Side,
    /// The key or flag whose presence chooses this form over the plain one of the same protocol.
    pub(super) chosen_by: Option<Key>,
    pub(super) rows: &'static [Row],
}

impl Form {
    pub(super) fn row(&self, key: Key) -> Option<&'static Row> {
        self.rows.iter().find(|row| row.key == key)
    }

    /// Rows that `user` may write.
    pub(super) fn rows_for(&self, user: User) -> impl Iterator<Item = &'static Row> {
        self.rows
            .iter()
            .filter(move |row| row.need != Need::NotRepeater || user != User::Repeater)
    }

    /// The form as it would be typed.
    pub(super) fn text(&self, user: User) -> String {
        let mut text = format!("{}:", self.protocol);
        let mut in_choice = false;
        for (index, row) in self.rows_for(user).enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let item = match row.placeholder {
                Some(placeholder) => format!("{}={placeholder}", row.key.text()),
                None => row.key.text().to_owned(),
            };
            let choice = row.need == Need::OneOf;
            if in_choice && !choice {
                text.push('}');
            }
            let _ = match row.need {
                Need::OneOf if in_choice => write!(text, "|{item}"),
                Need::OneOf => write!(text, "{comma}{{{item}"),
                Need::Required => write!(text, "{comma}{item}"),
                Need::Optional | Need::NotRepeater => write!(text, "[{comma}{item}]"),
            };
            in_choice = choice;
        }
        if in_choice {
            text.push('}');
        }
        text
    }
}

const fn req(key: Key, placeholder: &'static str) -> Row {
    Row {
        key,
        placeholder: Some(placeholder),
        need: Need::Required,
    }
}

const fn opt(key: Key, placeholder: &'static str) -> Row {
    Row {
        key,
        placeholder: Some(placeholder),
        need: Need::Optional,
    }
}

const fn one_of(key: Key, placeholder: &'static str) -> Row {
    Row {
        key,
        placeholder: Some(placeholder),
        need: Need::OneOf,
    }
}

const fn flag(key: Key) -> Row {
    Row {
        key,
        placeholder: None,
        need: Need::Optional,
    }
}

const fn chosen(key: Key) -> Row {
    Row {
        key,
        placeholder: None,
        need: Need::Required,
    }
}

const fn not_repeater(key: Key, placeholder: &'static str) -> Row {
    Row {
        key,
        placeholder: Some(placeholder),
        need: Need::NotRepeater,
    }
}

const PASSWORD: Row = opt(Key::Password, "PW");
const SECRET: Row = opt(Key::Secret, "KEY");
const ROLE: Row = not_repeater(Key::Role, "observer|operator|owner");
const IPVERSION: Row = not_repeater(Key::IpVersion, "6");
const HIDDEN: Row = flag(Key::Hidden);
const ICF: Row = flag(Key::IcfEnable);
const INSECURE: Row = flag(Key::Insecure);
const PROTO: Row = opt(Key::Proto, "tls1");
const CERTUSER: Row = one_of(Key::CertUser, "CERT");
const MACHUSER: Row = one_of(Key::MachUser, "CERT");
const PIN: Row = opt(Key::Pin, "THUMBPRINT");
const PORTS: Row = req(Key::Port, "P[:HIGH]");
const PORT: Row = req(Key::Port, "P");
const BIND: Row = opt(Key::Server, "ADDR|*");
const HOST: Row = req(Key::Server, "HOST");
/// Without it a client means its own machine, so that the strings that servers are listed by can be given to clients.
const HOST_OR_HERE: Row = opt(Key::Server, "HOST");
const COM: [Row; 3] = [req(Key::Port, "COMn"), req(Key::Baud, "B"), req(Key::Channel, "0-254")];

const fn form(protocol: &'static str, side: Side, chosen_by: Option<Key>, rows: &'static [Row]) -> Form {
    Form {
        protocol,
        side,
        chosen_by,
        rows,
    }
}

use Side::{Client, Kernel, Server};

/// All forms. A form with `chosen_by` stands before the plain form of its protocol.
pub(super) static FORMS: &[Form] = &[
    form(
        "tcp",
        Server,
        Some(Key::CliCon),
        &[
            PORT,
            req(Key::CliCon, "CLIENTHOST"),
            PASSWORD,
            SECRET,
            ROLE,
            IPVERSION,
            INSECURE,
        ],
    ),
    form(
        "tcp",
        Server,
        None,
        &[PORTS, BIND, HIDDEN, PASSWORD, SECRET, ROLE, IPVERSION, ICF, INSECURE],
    ),
    form(
        "npipe",
        Server,
        None,
        &[req(Key::Pipe, "NAME"), HIDDEN, PASSWORD, SECRET, ROLE, ICF],
    ),
    form(
        "com",
        Server,
        None,
        &[COM[0], COM[1], COM[2], HIDDEN, PASSWORD, SECRET, ROLE],
    ),
    form(
        "ssl",
        Server,
        Some(Key::CliCon),
        &[
            PROTO,
            CERTUSER,
            MACHUSER,
            PIN,
            PORT,
            req(Key::CliCon, "CLIENTHOST"),
            PASSWORD,
            SECRET,
            ROLE,
            INSECURE,
        ],
    ),
    form(
        "ssl",
        Server,
        None,
        &[
            PROTO, CERTUSER, MACHUSER, PIN, PORTS, BIND, HIDDEN, PASSWORD, SECRET, ROLE, INSECURE,
        ],
    ),
    form(
        "spipe",
        Server,
        None,
        &[
            PROTO,
            CERTUSER,
            MACHUSER,
            PIN,
            req(Key::Pipe, "NAME"),
            HIDDEN,
            PASSWORD,
            SECRET,
            ROLE,
        ],
    ),
    form("stdio", Server, None, &[PASSWORD, SECRET, ROLE]),
    form(
        "tcp",
        Client,
        Some(Key::CliCon),
        &[
            req(Key::CliCon, "SERVERHOST"),
            PORTS,
            BIND,
            PASSWORD,
            SECRET,
            opt(Key::IpVersion, "6"),
            INSECURE,
        ],
    ),
    form(
        "tcp",
        Client,
        None,
        &[PORT, HOST_OR_HERE, PASSWORD, SECRET, opt(Key::IpVersion, "6")],
    ),
    form(
        "npipe",
        Client,
        None,
        &[req(Key::Pipe, "NAME"), HOST_OR_HERE, PASSWORD, SECRET],
    ),
    form("com", Client, None, &[COM[0], COM[1], COM[2], PASSWORD, SECRET]),
    form(
        "ssl",
        Client,
        Some(Key::CliCon),
        &[
            PROTO,
            CERTUSER,
            MACHUSER,
            one_of(Key::Pin, "THUMBPRINT"),
            req(Key::CliCon, "SERVERHOST"),
            PORTS,
            BIND,
            PASSWORD,
            SECRET,
            INSECURE,
        ],
    ),
    form(
        "ssl",
        Client,
        None,
        &[
            PROTO,
            CERTUSER,
            MACHUSER,
            one_of(Key::Pin, "THUMBPRINT"),
            PORT,
            HOST_OR_HERE,
            PASSWORD,
            SECRET,
        ],
    ),
    form(
        "spipe",
        Client,
        None,
        &[
            PROTO,
            CERTUSER,
            MACHUSER,
            one_of(Key::Pin, "THUMBPRINT"),
            req(Key::Pipe, "NAME"),
            HOST_OR_HERE,
            PASSWORD,
            SECRET,
        ],
    ),
    form("stdio", Client, None, &[PASSWORD, SECRET]),
    form(
        "ssh",
        Client,
        None,
        &[
            req(Key::Server, "[USER@]HOST"),
            opt(Key::Port, "P"),
            opt(Key::Pipe, "NAME"),
            PASSWORD,
            SECRET,
        ],
    ),
    form("gdb", Client, None, &[HOST, PORT, opt(Key::ThreadEvents, "true|false")]),
    form(
        "com",
        Kernel,
        Some(Key::Pipe),
        &[
            chosen(Key::Pipe),
            opt(Key::Port, "\\\\HOST\\pipe\\NAME"),
            opt(Key::Resets, "0"),
            flag(Key::Reconnect),
        ],
    ),
    form("com", Kernel, Some(Key::Modem), &[chosen(Key::Modem)]),
    form(
        "com",
        Kernel,
        Some(Key::IpPort),
        &[req(Key::IpPort, "PORT"), opt(Key::Port, "IPADDRESS")],
    ),
    form(
        "com",
        Kernel,
        None,
        &[opt(Key::Port, "COMn"), opt(Key::Baud, "B"), opt(Key::Timeout, "MS")],
    ),
    form("usb", Kernel, None, &[opt(Key::TargetName, "NAME")]),
    form("usb2", Kernel, None, &[opt(Key::TargetName, "NAME")]),
    form("1394", Kernel, None, &[opt(Key::Channel, "N")]),
    form(
        "net",
        Kernel,
        None,
        &[
            opt(Key::Port, "P"),
            opt(Key::Secret, "A.B.C.D"),
            opt(Key::Target, "HOST"),
        ],
    ),
    form("gdb", Kernel, None, &[HOST, PORT]),
    form(
        "kdsrv",
        Kernel,
        None,
        &[req(Key::Server, "@{CLIENT-TRANSPORT}"), req(Key::Trans, "@{LINK}")],
    ),
];

/// Which protocols may be used at a side by whom.
pub(super) fn protocols(side: Side, user: User) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = FORMS
        .iter()
        .filter(|form| form.side == side)
        .map(|form| form.protocol)
        .filter(|name| allowed(name, side, user))
        .collect();
    names.dedup();
    names
}

/// Repeaters only copy bytes, so what encrypts them is end to end and not theirs; `stdio` serves a repeater only on
/// the client side, and a `gdb` stub only a smart client.
fn allowed(protocol: &str, side: Side, user: User) -> bool {
    match (protocol, side, user) {
        (_, Side::Kernel, _) => true,
        ("ssl" | "spipe", _, User::Repeater) => false,
        ("stdio", Side::Client, user) => user == User::Repeater,
        ("gdb", _, user) => user == User::SmartClient,
        _ => true,
    }
}
