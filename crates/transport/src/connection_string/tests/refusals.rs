//! Each kind of mistake: the key that is named, the place, and the form that is shown.

use super::*;

/// The server's mistake, with the key and byte offset that it names.
fn server_fault(text: &str) -> ConnectionStringError {
    ServerTransport::parse(text, ServerRole::DebuggingServer).unwrap_err()
}

fn client_fault(text: &str) -> ConnectionStringError {
    ClientTransport::parse(text, ClientRole::DebuggingClient).unwrap_err()
}

#[test]
fn every_mistake_names_key_and_place() {
    for (text, key, at) in [
        ("tcp:prt=5005", "prt", 4),
        ("tcp:port=5005,baud=9600", "baud", 14),
        ("tcp:hidden", "port", 10),
        ("tcp:port=1,Port=2", "port", 11),
        ("tcp:port", "port", 4),
        ("tcp:port=", "port", 9),
        ("tcp:port=1,hidden=yes", "hidden", 11),
        ("tcp:port=70000", "port", 9),
        ("tcp:port=-1", "port", 9),
        ("tcp:port=9:8", "port", 9),
        ("tcp:port=0:8", "port", 9),
        ("tcp:port=1:2,clicon=h", "port", 9),
        ("tcp:port=1,clicon=h,hidden", "hidden", 20),
        ("tcp:port=1,clicon=h,server=*", "server", 20),
        ("tcp:port=1,server=box17", "server", 18),
        ("tcp:port=1,server=10.0.0.7,ipversion=6", "server", 18),
        ("tcp:port=1,ipversion=4", "ipversion", 21),
        ("tcp:port=1,role=admin", "role", 16),
        ("tcp:port=1,password=a,key=b", "key", 22),
        ("tcp:port=1,clicon=a b", "clicon", 18),
        ("npipe:pipe=a/b", "pipe", 11),
        ("npipe:pipe=a b", "pipe", 11),
        ("npipe:pipe=%x%x%x", "pipe", 11),
        ("npipe:pipe=%s", "pipe", 11),
        ("npipe:pipe=%", "pipe", 11),
        ("npipe:pipe=a,server=b", "server", 13),
        ("com:port=com0,baud=9600,channel=0", "port", 9),
        ("com:port=1,baud=0,channel=0", "baud", 16),
        ("com:port=1,baud=9600,channel=255", "channel", 29),
        ("ssl:port=1", "certuser' or 'machuser", 10),
        ("ssl:port=1,certuser=a,machuser=b", "machuser", 22),
        ("ssl:proto=ssl3,port=1,certuser=a", "proto", 10),
        ("ssl:proto=PCT1,port=1,certuser=a", "proto", 10),
        ("ssl:port=1,certuser=a,pin=abc", "pin", 26),
        ("npipe:pipe=@{abc", "pipe", 11),
        ("npipe:pipe=@{abc}d", "pipe", 17),
    ] {
        let error = server_fault(text);
        assert_eq!((error.key(), error.at()), (Some(key), at), "{text}: {error}");
    }
    for (text, key, at) in [
        ("tcp:server=h", "port", 12),
        ("tcp:server=h,port=1:5", "port", 18),
        ("tcp:server=h,port=0", "port", 18),
        ("tcp:server=h,port=1,hidden", "hidden", 20),
        ("tcp:server=h:1,port=1", "server", 11),
        ("tcp:server=h,port=1,insecure", "insecure", 20),
        ("npipe:server=h", "pipe", 14),
        ("ssh:port=1", "server", 10),
        ("ssl:server=h,port=1", "certuser' or 'machuser' or 'pin", 19),
        ("ssh:server=-oProxyCommand=x", "server", 11),
        ("ssh:server=-x@h", "server", 11),
    ] {
        let error = client_fault(text);
        assert_eq!((error.key(), error.at()), (Some(key), at), "{text}: {error}");
    }
}

#[test]
fn mistakes_without_a_key_have_a_place_too() {
    for (text, fault, at) in [
        ("", Fault::Empty, 0),
        ("  ", Fault::Empty, 2),
        ("\"tcp:port=1", Fault::UnclosedQuote, 0),
        ("port=5005", Fault::NoProtocol, 0),
        (":port=5", Fault::NoProtocol, 0),
        ("tcp:port=1,", Fault::EmptyParameter, 11),
        ("tcp:,port=1", Fault::EmptyParameter, 4),
        ("tcp:port=1,=2", Fault::EmptyParameter, 11),
    ] {
        let error = server_fault(text);
        assert_eq!((error.fault(), error.at()), (&fault, at), "{text}");
    }
    assert!(matches!(
        server_fault("udp:port=1").fault(),
        Fault::UnknownProtocol { .. }
    ));
}

#[test]
fn protocols_and_keys_of_other_roles_are_refused() {
    let repeater = |text| ServerTransport::parse(text, ServerRole::Repeater).unwrap_err();
    assert!(matches!(
        repeater("ssl:certuser=a,port=1").fault(),
        Fault::WrongRole { .. }
    ));
    assert!(matches!(
        repeater("spipe:certuser=a,pipe=p").fault(),
        Fault::WrongRole { .. }
    ));
    assert!(
        repeater("tcp:port=1,role=owner")
            .to_string()
            .contains("not for a repeater")
    );
    assert!(!repeater("tcp:port=1,ipversion=6").form().unwrap().contains("ipversion"));
    assert!(matches!(
        server_fault("gdb:server=h,port=1").fault(),
        Fault::WrongRole { .. }
    ));
    assert!(matches!(
        client_fault("gdb:server=h,port=1").fault(),
        Fault::WrongRole { .. }
    ));
    assert!(matches!(client_fault("stdio:").fault(), Fault::WrongRole { .. }));
    ClientTransport::parse("stdio:", ClientRole::Repeater).unwrap();
    let other_side = client_fault("tcp:server=h,port=1,hidden").to_string();
    assert!(
        other_side.contains("belongs to the string of the server"),
        "{other_side}"
    );
    let other_side = server_fault("npipe:pipe=a,server=b").to_string();
    assert!(other_side.contains("belongs to the string of a client"), "{other_side}");
}

#[test]
fn kernel_links_have_rules_of_their_own() {
    for (text, key, at) in [
        ("com:port=2,baud=9600", "port", 9),
        ("com:pipe,baud=9600", "baud", 9),
        ("com:pipe=x", "pipe", 4),
        ("com:pipe,port=name", "port", 14),
        ("com:ipport=0", "ipport", 11),
        ("com:ipport=1,port=host", "port", 18),
        ("usb:targetname=my-debug-box", "targetname", 15),
        ("usb:targetname=a-name-that-is-longer-than-24", "targetname", 15),
        ("net:port=1,key=1.2.3", "key", 15),
        ("net:port=1,key=1.2.3.zzzzzzzzzzzzzz", "key", 15),
        ("gdb:server=h", "port", 12),
        ("kdsrv:server=tcp:port=1,trans=@{com:}", "server", 13),
        ("kdsrv:trans=@{com:}", "server", 19),
        ("kdsrv:server=@{tcp:server=h},trans=@{com:}", "port", 27),
        ("kdsrv:server=@{<local>},trans=@{com:port=2}", "port", 41),
        (
            "kdsrv:server=@{<local>},trans=@{kdsrv:server=@{x},trans=@{y}}",
            "trans",
            32,
        ),
        ("kdsrv:server=@{tcp:server=h,port=1},trans=@{com:", "trans", 42),
    ] {
        let error = KernelConnection::parse(text).unwrap_err();
        assert_eq!((error.key(), error.at()), (Some(key), at), "{text}: {error}");
    }
}

#[test]
fn a_message_reads_well_and_points_at_the_place() {
    let error = server_fault("tcp:prot=5005,hidden");
    let expected = "unknown key 'prot'; did you mean 'port'? (column 5 of \"tcp:prot=*,hidden\")\n\
                    the form is tcp:port=P[:HIGH][,server=ADDR|*][,hidden][,password=PW][,key=KEY]\
                    [,role=observer|operator|owner][,ipversion=6][,IcfEnable][,insecure]";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.caret(), "tcp:prot=*,hidden\n    ^");
    let form = |text: &str| server_fault(text).form().unwrap().to_owned();
    assert!(
        form("ssl:x").starts_with("ssl:[proto=tls1],{certuser=CERT|machuser=CERT}[,pin=THUMBPRINT],port=P[:HIGH][")
    );
    assert!(form("tcp:clicon=h").starts_with("tcp:port=P,clicon=CLIENTHOST[,password=PW]"));
}

#[test]
fn a_caret_stays_right_behind_masked_secrets_and_odd_characters() {
    let error = server_fault("tcp:port=1,password=sesame,bogus");
    assert_eq!(error.caret(), "tcp:port=1,password=*,bogus\n                      ^");
    assert!(!format!("{error} {error:?}").contains("sesame"));
    let error = server_fault("tcp:port=1,PassWord = @{open,sesame},\u{1b}[31m=1");
    assert!(!format!("{error} {error:?}").contains("sesame"));
    assert!(!error.to_string().contains('\u{1b}'));
    let error =
        KernelConnection::parse("kdsrv:server=@{tcp:server=h,port=1,password=sesame},trans=@{com:x}").unwrap_err();
    assert!(!format!("{error} {error:?} {}", error.caret()).contains("sesame"));
    let error = server_fault("tcp:port=é,hidden");
    assert_eq!(error.caret(), "tcp:port=é,hidden\n         ^");
}

#[test]
fn a_very_long_string_is_quoted_in_part() {
    let error = server_fault(&format!("tcp:{}=1", "x".repeat(100_000)));
    assert!(error.to_string().len() < 1000);
    assert!(error.caret().len() < 1000);
}
