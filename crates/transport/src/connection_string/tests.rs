//! What each role accepts and refuses, and how it is printed.

use super::*;

mod mutations;
mod refusals;

fn server(text: &str) -> ServerTransport {
    ServerTransport::parse(text, ServerRole::ProcessServer).unwrap_or_else(|error| panic!("{error}\n{}", error.caret()))
}

fn client(text: &str) -> ClientTransport {
    ClientTransport::parse(text, ClientRole::SmartClient).unwrap_or_else(|error| panic!("{error}\n{}", error.caret()))
}

fn kernel(text: &str) -> KernelConnection {
    KernelConnection::parse(text).unwrap_or_else(|error| panic!("{error}\n{}", error.caret()))
}

/// Strings of every form with their canonical form; all of them can be parsed again.
const SERVERS: &[(&str, &str)] = &[
    ("tcp:port=5005", "tcp:Port=5005"),
    ("TCP:PORT=5005,HIDDEN", "tcp:Port=5005,Hidden"),
    ("tcp:port=0", "tcp:Port=0"),
    (
        "tcp:port=5000:5010,ipversion=6,icfenable",
        "tcp:Port=5000:5010,IpVersion=6,IcfEnable",
    ),
    ("tcp:port=7,server=*,insecure", "tcp:Port=7,Server=*,Insecure"),
    ("tcp:port=7,server=localhost", "tcp:Port=7"),
    (
        "tcp:server=192.168.1.5,port=7,role=observer",
        "tcp:Port=7,Server=192.168.1.5,Role=observer",
    ),
    ("tcp:port=7,server=[fd00::1]", "tcp:Port=7,Server=fd00::1"),
    ("tcp:port=7,server=::ffff:127.0.0.1", "tcp:Port=7,Server=127.0.0.1"),
    ("tcp:port=7,clicon=\\\\box17", "tcp:Port=7,CliCon=box17"),
    (
        "tcp:port=7,clicon=box17,ipversion=6,insecure",
        "tcp:Port=7,CliCon=box17,IpVersion=6,Insecure",
    ),
    ("npipe:pipe=MainPipe", "npipe:Pipe=MainPipe"),
    ("npipe:pipe=my%x_%08d%%,hidden", "npipe:Pipe=my%x_%08d%%,Hidden"),
    (" 'npipe:pipe=quoted' ", "npipe:Pipe=quoted"),
    (
        "com:port=com2,baud=115200,channel=254",
        "com:Port=COM2,Baud=115200,Channel=254",
    ),
    (
        "com:port=\\\\.\\COM3,baud=9600,channel=0,hidden",
        "com:Port=COM3,Baud=9600,Channel=0,Hidden",
    ),
    ("com:port=2,baud=9600,channel=0", "com:Port=COM2,Baud=9600,Channel=0"),
    (
        "com:port=/dev/ttyUSB0,baud=9600,channel=0",
        "com:Port=/dev/ttyUSB0,Baud=9600,Channel=0",
    ),
    (
        "ssl:proto=tls1,certuser=me,port=1:3",
        "ssl:Proto=tls1,CertUser=me,Port=1:3",
    ),
    (
        "\"ssl:machuser=ab 38 f7 ae,port=1234,server=*\"",
        "ssl:Proto=tls1,MachUser=ab 38 f7 ae,Port=1234,Server=*",
    ),
    (
        "ssl:certuser=@{a, b},port=1,clicon=box17",
        "ssl:Proto=tls1,CertUser=@{a, b},Port=1,CliCon=box17",
    ),
    ("spipe:certuser=me,pipe=p%d", "spipe:Proto=tls1,CertUser=me,Pipe=p%d"),
    ("stdio:", "stdio:"),
    ("stdio:role=owner", "stdio:Role=owner"),
];

const CLIENTS: &[(&str, &str)] = &[
    ("tcp:server=BOX17,port=5005", "tcp:Port=5005,Server=BOX17"),
    (
        "tcp:port=5005,Server=\\\\box17,ipversion=6",
        "tcp:Port=5005,Server=box17,IpVersion=6",
    ),
    (
        "tcp: port = 5005 , server = fe80::1%eth0 ",
        "tcp:Port=5005,Server=fe80::1%eth0",
    ),
    (
        "tcp:clicon=box17,port=0,server=*,insecure",
        "tcp:Port=0,CliCon=box17,Server=*,Insecure",
    ),
    (
        "tcp:clicon=box17,port=1,server=localhost",
        "tcp:Port=1,CliCon=box17,Server=localhost",
    ),
    ("tcp:clicon=box17,port=5000:5010", "tcp:Port=5000:5010,CliCon=box17"),
    (
        "tcp:clicon=box17,port=5000,insecure",
        "tcp:Port=5000,CliCon=box17,Insecure",
    ),
    ("npipe:server=localhost,pipe=my%x", "npipe:Pipe=my%x,Server=localhost"),
    ("com:port=2,baud=19200,channel=3", "com:Port=COM2,Baud=19200,Channel=3"),
    (
        "ssl:server=h,port=1,certuser=me",
        "ssl:Proto=tls1,CertUser=me,Port=1,Server=h",
    ),
    (
        "ssl:clicon=h,port=1:2,machuser=me",
        "ssl:Proto=tls1,MachUser=me,Port=1:2,CliCon=h",
    ),
    (
        "spipe:server=h,pipe=p,pin=AB CD 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01",
        "spipe:Proto=tls1,Pin=abcd000000000000000000000000000000000001,Pipe=p,Server=h",
    ),
    ("ssh:server=me@box17", "ssh:Server=me@box17"),
    ("ssh:server=box17,port=2222", "ssh:Server=box17,Port=2222"),
    ("gdb:server=localhost,port=1234", "gdb:Port=1234,Server=localhost"),
    (
        "gdb:server=h,port=1,threadevents=TRUE",
        "gdb:Port=1,Server=h,ThreadEvents=true",
    ),
];

const KERNELS: &[(&str, &str)] = &[
    ("net:port=50005", "KdSrv:Server=@{<Local>},Trans=@{NET:Port=50005}"),
    (
        "net:port=50005,target=box17",
        "KdSrv:Server=@{<Local>},Trans=@{NET:Port=50005,Target=box17}",
    ),
    (
        "com:port=\\\\.\\com3,baud=115200,timeout=4000",
        "KdSrv:Server=@{<Local>},Trans=@{COM:Port=COM3,Baud=115200,Timeout=4000}",
    ),
    (
        "com:pipe,port=\\\\.\\pipe\\vm,resets=0,reconnect",
        "KdSrv:Server=@{<Local>},Trans=@{COM:Pipe,Port=\\\\.\\pipe\\vm,Resets=0,Reconnect}",
    ),
    (
        "com:pipe,port=/tmp/serial.sock",
        "KdSrv:Server=@{<Local>},Trans=@{COM:Pipe,Port=/tmp/serial.sock}",
    ),
    ("com:modem", "KdSrv:Server=@{<Local>},Trans=@{COM:Modem}"),
    (
        "com:ipport=4001,port=10.0.0.7",
        "KdSrv:Server=@{<Local>},Trans=@{COM:IpPort=4001,Port=10.0.0.7}",
    ),
    ("com:", "KdSrv:Server=@{<Local>},Trans=@{COM:}"),
    (
        "usb:targetname=lab-1",
        "KdSrv:Server=@{<Local>},Trans=@{USB:TargetName=lab-1}",
    ),
    (
        "usb2:targetname=lab_2",
        "KdSrv:Server=@{<Local>},Trans=@{USB2:TargetName=lab_2}",
    ),
    ("1394:channel=9", "KdSrv:Server=@{<Local>},Trans=@{1394:Channel=9}"),
    (
        "gdb:server=localhost,port=1234",
        "KdSrv:Server=@{<Local>},Trans=@{GDB:Port=1234,Server=localhost}",
    ),
    (
        "kdsrv:server=@{tcp:server=k,port=5005},trans=@{com:port=com2,baud=57600}",
        "KdSrv:Server=@{tcp:Port=5005,Server=k},Trans=@{COM:Port=COM2,Baud=57600}",
    ),
    (
        "kdsrv:trans=@{com:},server=@{ssl:server=k,port=1,certuser=@{a,b}}",
        "KdSrv:Server=@{ssl:Proto=tls1,CertUser=@{a,b},Port=1,Server=k},Trans=@{COM:}",
    ),
];

#[test]
fn servers_print_their_canonical_form_and_read_it_back() {
    for (text, canonical) in SERVERS {
        assert_eq!(server(text).to_string(), *canonical, "{text}");
        assert_eq!(server(canonical), server(text), "{text}");
    }
}

#[test]
fn clients_print_their_canonical_form_and_read_it_back() {
    for (text, canonical) in CLIENTS {
        assert_eq!(client(text).to_string(), *canonical, "{text}");
        assert_eq!(client(canonical), client(text), "{text}");
    }
}

#[test]
fn kernel_connections_print_their_canonical_form_and_read_it_back() {
    for (text, canonical) in KERNELS {
        assert_eq!(kernel(text).to_string(), *canonical, "{text}");
        assert_eq!(kernel(canonical), kernel(text), "{text}");
    }
}

#[test]
fn secrets_are_kept_and_never_shown() {
    let word = "Tiger-Password of any length, with commas";
    let parsed = server(&format!("npipe:pipe=tiger,password=@{{{word}}}"));
    assert_eq!(parsed.to_string(), "npipe:Pipe=tiger,Password=*");
    assert!(!format!("{parsed:?}").contains("Tiger"));
    let Some(Credential::Password(secret)) = &parsed.options.credential else {
        panic!("no password")
    };
    assert_eq!(secret.expose(), word);
    let key = "aaaqeayeaudaocajbifqydiob5zwo";
    let parsed = client(&format!("tcp:server=h,port=1,key={key}"));
    assert_eq!(parsed.to_string(), "tcp:Port=1,Server=h,Key=*");
    assert_eq!(*parsed.reveal(), format!("tcp:Port=1,Server=h,Key={key}"));
    let parsed = kernel("net:port=50005,key=1.2.3.z");
    assert_eq!(
        parsed.to_string(),
        "KdSrv:Server=@{<Local>},Trans=@{NET:Port=50005,Key=*}"
    );
    assert!(!format!("{parsed:?}").contains("1.2.3"));
}

#[test]
fn a_key_is_one_that_a_server_has_printed() {
    for (text, words) in [
        ("tcp:port=1,key=Swordfish", "a key is the 29 letters and digits"),
        (
            "tcp:port=1,key=correcthorsebatterystaplecorr",
            "no server has drawn this key",
        ),
        ("tcp:port=1,password=env:", "env: needs the name"),
        ("tcp:port=1,password=fd:x", "fd: needs the number"),
    ] {
        let error = ServerTransport::parse(text, ServerRole::ProcessServer).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = ClientTransport::parse("tcp:port=1,key=new", ClientRole::SmartClient).unwrap_err();
    assert!(error.to_string().contains("the key that the server printed"), "{error}");
    for open in ["password=*", "password=env:PW", "key=fd:3", "key=*"] {
        let shown = client(&format!("tcp:port=1,{open}"));
        assert!(shown.reveal().to_lowercase().ends_with(&open.to_lowercase()));
    }
}

#[test]
fn a_pipe_template_takes_process_and_thread_id() {
    let expand = |text: &str| {
        let ServerEndpoint::Pipe { name } = server(&format!("npipe:pipe={text}")).endpoint else {
            panic!("no pipe")
        };
        name.expand(0x1234, 255).to_string()
    };
    assert_eq!(expand("plain"), "plain");
    assert_eq!(expand("my%x"), "my1234");
    assert_eq!(expand("my%x-%d"), "my1234-255");
    assert_eq!(expand("%06x.%X"), "001234.FF");
    assert_eq!(expand("100%%"), "100%");
}

#[test]
fn a_bound_server_says_how_clients_reach_it() {
    let machine = Host::new("box17.lan").unwrap();
    let shown = |text: &str| {
        server(text)
            .client_transport(&machine)
            .map(|transport| transport.to_string())
    };
    assert_eq!(shown("tcp:port=5005").unwrap(), "tcp:Port=5005,Server=localhost");
    assert_eq!(
        shown("tcp:port=5005,server=*").unwrap(),
        "tcp:Port=5005,Server=box17.lan"
    );
    assert_eq!(
        shown("tcp:port=5005,server=10.0.0.7").unwrap(),
        "tcp:Port=5005,Server=10.0.0.7"
    );
    assert_eq!(
        shown("tcp:port=5005,server=0.0.0.0").unwrap(),
        "tcp:Port=5005,Server=box17.lan"
    );
    assert_eq!(shown("tcp:port=5,clicon=c").unwrap(), "tcp:Port=5,CliCon=box17.lan");
    assert_eq!(
        shown("npipe:pipe=p,password=x").unwrap(),
        "npipe:Pipe=p,Server=localhost,Password=*"
    );
    assert_eq!((shown("stdio:"), shown("tcp:port=0")), (None, None));
    for printed in SERVERS.iter().filter_map(|(text, _)| shown(text)) {
        assert_eq!(client(&printed).to_string(), printed);
    }
}

#[test]
fn a_listed_server_is_reached_by_what_its_listing_says() {
    for (given, listed, reached) in [
        ("tcp:port=7", "tcp:Port=7", "tcp:Port=7,Server=localhost"),
        (
            "tcp:port=7,server=*,role=observer,hidden,insecure,icfenable",
            "tcp:Port=7",
            "tcp:Port=7,Server=localhost",
        ),
        (
            "tcp:port=7,server=10.0.0.7,insecure",
            "tcp:Port=7,Server=10.0.0.7",
            "tcp:Port=7,Server=10.0.0.7",
        ),
        ("npipe:pipe=a,hidden", "npipe:Pipe=a", "npipe:Pipe=a,Server=localhost"),
    ] {
        let text = server(given).for_clients_here().to_string();
        assert_eq!(text, listed, "{given}");
        assert_eq!(client(&text).to_string(), reached, "{given}");
    }
}

#[test]
fn only_tcp_and_npipe_without_extras_are_in_this_build() {
    for text in [
        "tcp:port=1",
        "tcp:port=1:2,server=*,insecure,hidden,ipversion=6",
        "npipe:pipe=x,IcfEnable,hidden",
        "tcp:port=1,role=observer",
        "tcp:port=1,password=x",
        "npipe:pipe=p,key=new",
        "ssl:certuser=a,port=1",
        "spipe:certuser=a,pipe=p",
        "stdio:",
        "tcp:port=1,clicon=h",
    ] {
        server(text).require_supported().unwrap();
    }
    let message = server("tcp:port=1,IcfEnable")
        .require_supported()
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("this build does not have ") && message.contains("IcfEnable"),
        "{message}"
    );
    client("tcp:server=h,port=1").require_supported().unwrap();
    client("tcp:clicon=h,port=1:9").require_supported().unwrap();
    client("npipe:server=h,pipe=p").require_supported().unwrap();
    client("com:port=1,baud=1,channel=0").require_supported().unwrap();
    client("ssh:server=h").require_supported().unwrap();
    assert!(client("gdb:server=h,port=1").require_supported().is_err());
    assert!(kernel("com:").require_supported().is_err());
}
