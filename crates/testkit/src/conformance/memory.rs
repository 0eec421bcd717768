//! Checks of memory, registers and files.

use farsight_target::*;
use farsight_types::registers::{RegisterSets, amd64};
use farsight_types::{Address, AddressRange, FileOffset, OsTid};

use super::Connect;
use super::hands::*;
use crate::running::parse_address;
use crate::{Deadline, Debuggee, proc, wait_until};

const GREETING: &[u8] = b"greetings from read-only memory";
const INT3: u8 = 0xcc;

/// One request reads many ranges; the answer has them in order.
pub fn reads_many_ranges_at_once(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, _) = attached_counter(&mut session, 2);
    let (greeting, number) = (counter.address("greeting"), counter.address("counter"));
    let value = counter.number("counter");
    let mut ranges = vec![
        AddressRange::new(greeting, GREETING.len() as u64),
        AddressRange::new(number, 8),
    ];
    ranges.extend((0..100).map(|offset| AddressRange::new(greeting.wrapping_add(offset % 20), 1)));
    let process = counter.pid();
    let reply = session.look().read(ReadRequest { process, ranges }).unwrap();
    let parts: Vec<&[u8]> = reply.parts().collect();
    assert_eq!(parts.len(), 102);
    assert_eq!(parts[0], GREETING);
    assert_eq!(parts[1], value.to_le_bytes());
    assert!((0..100).all(|index| parts[index + 2] == &GREETING[index % 20..index % 20 + 1]));
}

/// Memory that is not there makes a short answer, not an error.
pub fn reads_no_more_than_there_is(connect: Connect<'_>) {
    let mut session = connect();
    let (counter, _) = attached_counter(&mut session, 2);
    let process = counter.pid();
    let mappings = proc::mappings(process.0);
    let last = mappings
        .windows(2)
        .find(|pair| pair[0].rights.starts_with("rw") && pair[0].range.end() < pair[1].range.start)
        .map(|pair| pair[0].range)
        .expect("a mapping with nothing behind it");
    let ranges = vec![
        AddressRange::new(Address(last.end().0 - 10), 100),
        AddressRange::new(Address(0x10), 8),
        AddressRange::new(Address(u64::MAX - 3), 8),
        AddressRange::new(Address(last.end().0 - 4), 4),
        AddressRange::new(last.start, 0),
    ];
    let reply = session.look().read(ReadRequest { process, ranges }).unwrap();
    assert_eq!(reply.lengths, [10, 0, 0, 4, 0]);
    assert_eq!(reply.bytes.len(), 14);
    let too_many = vec![
        AddressRange::new(last.start, MOST_BYTES),
        AddressRange::new(last.start, 1),
    ];
    let refused = session.look().read(ReadRequest {
        process,
        ranges: too_many,
    });
    assert!(matches!(refused, Err(TargetError::Invalid { .. })), "{refused:?}");
    let overflowing = vec![
        AddressRange::new(last.start, u64::MAX),
        AddressRange::new(last.start, 2),
    ];
    let refused = session.look().read(ReadRequest {
        process,
        ranges: overflowing,
    });
    assert!(matches!(refused, Err(TargetError::Invalid { .. })), "{refused:?}");
    let nowhere = WriteRequest {
        process,
        address: Address(0x10),
        bytes: vec![1],
    };
    let refused = session.look().write(nowhere);
    assert!(
        matches!(
            refused,
            Err(TargetError::Unwritable { .. }) | Ok(WriteReply { length: 0 })
        ),
        "{refused:?}"
    );
}

struct Needles {
    debuggee: Debuggee,
    region: AddressRange,
    needles: Vec<Address>,
}

fn needles(mebibytes: &str) -> Needles {
    let mut debuggee = Debuggee::start("search", &[mebibytes]);
    let mut line = || debuggee.output().line(Deadline::usual()).expect("a line");
    let words: Vec<String> = line().split(' ').map(str::to_owned).collect();
    let region = AddressRange::new(parse_address(&words[1]), parse_address(&words[2]).0);
    let needles = (0..4)
        .map(|_| parse_address(line().strip_prefix("needle ").unwrap()))
        .collect();
    Needles {
        debuggee,
        region,
        needles,
    }
}

/// The longest read that is allowed comes whole and right.
pub fn reads_megabytes_at_once(connect: Connect<'_>) {
    let mut session = connect();
    let search = needles("16");
    let process = search.debuggee.pid();
    attach(&mut session, process);
    let bytes = read(&mut session, process, search.region.start, MOST_BYTES);
    assert_eq!(bytes.len() as u64, MOST_BYTES);
    let wrong = bytes.iter().enumerate().position(|(i, byte)| {
        let in_needle = search.needles.iter().any(|at| {
            let at = (at.0 - search.region.start.0) as usize;
            (at..at + 16).contains(&i)
        });
        !in_needle && *byte != ((i * 7 + i / 4096) & 0xfe) as u8
    });
    assert_eq!(wrong, None);
}

/// Data and text can be changed, at rest and while it runs; what is changed back leaves no trace.
pub fn writes_data_and_read_only_text(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, _) = attached_counter(&mut session, 2);
    let process = counter.pid();
    let (buffer, greeting) = (counter.address("buffer"), counter.address("greeting"));
    write(&mut session, process, buffer, b"changed at rest");
    write(&mut session, process, greeting, b"GREETINGS");
    assert_eq!(read(&mut session, process, buffer, 15), b"changed at rest");
    assert_eq!(proc::read_memory(process.0, greeting, 9), b"GREETINGS");
    write(&mut session, process, greeting, &GREETING[..9]);
    resume(&mut session, plan(Vec::new()));
    write(&mut session, process, buffer, b"changed running");
    assert_eq!(read(&mut session, process, buffer, 15), b"changed running");
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
}

/// While a trap is in the code, readers and searchers see the code as it was.
pub fn hides_traps_from_readers(connect: Connect<'_>) {
    let mut session = connect();
    let mut threads = Debuggee::start("threads", &["2"]);
    threads.address("born");
    let process = threads.pid();
    let image = program(&attach(&mut session, process)).clone();
    let descend = symbol_in(&image, "descend");
    let original = proc::read_memory(process.0, descend, 16);
    resume(&mut session, plan(vec![trap(1, process, descend)]));
    wait_until("the trap is planted", Deadline::usual(), || {
        proc::read_memory(process.0, descend, 1) == [INT3]
    });
    assert_eq!(read(&mut session, process, descend, 16), original);
    let before = Address(descend.0 - 8);
    assert_eq!(read(&mut session, process, before, 24)[8..], original);
    let request = SearchRequest {
        process,
        range: AddressRange::new(before, 64),
        granularity: 1,
        most: 10,
        writable_only: false,
        pattern: original.clone(),
    };
    assert_eq!(session.look().search(request).unwrap().found, [descend]);
    let stop = break_in(&mut session);
    assert_eq!(read(&mut session, process, descend, 16), original);
    for (range, bytes) in stop.memory_parts() {
        if let Some(offset) = descend
            .distance_from(range.start)
            .filter(|offset| *offset < range.length)
        {
            assert_eq!(bytes[offset as usize], original[0]);
        }
    }
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
}

/// What is written over a trap is kept for it: the trap stays, and when it goes the new bytes are there.
pub fn keeps_bytes_written_under_a_trap(connect: Connect<'_>) {
    let mut session = connect();
    let mut threads = Debuggee::start("threads", &["2"]);
    threads.address("born");
    let process = threads.pid();
    let image = program(&attach(&mut session, process)).clone();
    // Nobody enters it again, so its code may be anything.
    let descend = symbol_in(&image, "descend");
    let original = proc::read_memory(process.0, descend, 4);
    let new = [0xc3, 0x90, 0x90, 0x90];
    resume(&mut session, plan(vec![trap(1, process, descend)]));
    write(&mut session, process, descend, &new);
    assert_eq!(read(&mut session, process, descend, 4), new);
    wait_until("the trap is there", Deadline::usual(), || {
        proc::read_memory(process.0, descend, 4) == [INT3, 0x90, 0x90, 0x90]
    });
    session
        .run()
        .update_traps(TrapUpdate {
            traps: only(Vec::new()),
        })
        .unwrap();
    assert_eq!(read(&mut session, process, descend, 4), new);
    wait_until("the new bytes are there", Deadline::usual(), || {
        proc::read_memory(process.0, descend, 4) == new
    });
    write(&mut session, process, descend, &original);
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
}

/// Searching finds every place, across pages, at the end, in parts, and on multiples only.
pub fn finds_patterns_in_memory(connect: Connect<'_>) {
    let mut session = connect();
    let search = needles("16");
    let process = search.debuggee.pid();
    attach(&mut session, process);
    let mut request = SearchRequest {
        process,
        range: AddressRange::new(Address(search.region.start.0 - 4096), search.region.length + 8192),
        granularity: 1,
        most: 100,
        writable_only: false,
        pattern: b"FARSIGHT-NEEDLE!".to_vec(),
    };
    let reply = session.look().search(request.clone()).unwrap();
    assert_eq!((reply.found, reply.next), (search.needles.clone(), None));

    request.most = 2;
    let reply = session.look().search(request.clone()).unwrap();
    assert_eq!(reply.found, search.needles[..2]);
    let next = reply.next.expect("a place to go on");
    request.range = AddressRange::new(next, search.region.end().0 - next.0);
    assert_eq!(
        session.look().search(request.clone()).unwrap().found,
        search.needles[2..]
    );

    // Only finds at multiples of 4 from the start of the range.
    request.granularity = 4;
    request.most = 100;
    request.range = AddressRange::new(Address(search.region.start.0 + 3), search.region.length - 3);
    let aligned = search
        .needles
        .iter()
        .filter(|at| (at.0 - request.range.start.0).is_multiple_of(4));
    let aligned: Vec<Address> = aligned.copied().collect();
    assert!(!aligned.is_empty() && aligned.len() < 4);
    assert_eq!(session.look().search(request.clone()).unwrap().found, aligned);

    request.pattern = Vec::new();
    let refused = session.look().search(request);
    assert!(matches!(refused, Err(TargetError::Invalid { .. })), "{refused:?}");
}

/// Mappings and images as the kernel has them.
pub fn lists_regions_and_images(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, stop) = attached_counter(&mut session, 2);
    let process = counter.pid();
    let regions = session.look().regions(ProcessRef { process }).unwrap().regions;
    let of = |address: Address| {
        regions
            .iter()
            .find(|region| region.range.contains(address))
            .expect("a region")
    };
    let text = of(counter.address("count_step"));
    assert!(text.read && text.execute && !text.write);
    assert_eq!(text.path, counter.path().to_str().unwrap());
    assert!(of(counter.address("counter")).write);
    assert!(!of(counter.address("greeting")).write);
    assert!(regions.is_sorted_by_key(|region| region.range.start));
    assert_eq!(regions.len(), proc::mappings(process.0).len());
    let images = session.look().images(ProcessRef { process }).unwrap().images;
    assert!(images[0].is_program);
    let sorted = |images: &[Image]| {
        let mut bases: Vec<Address> = images.iter().map(|image| image.base).collect();
        bases.sort_unstable();
        bases
    };
    assert_eq!(sorted(&images), sorted(&stop.images.loaded));
}

/// Files of reported images can be read in parts; other files cannot.
pub fn reads_files_of_images_only(connect: Connect<'_>) {
    let mut session = connect();
    let (counter, stop) = attached_counter(&mut session, 2);
    let process = counter.pid();
    let path = program(&stop).path.clone();
    let file = std::fs::read(&path).unwrap();
    assert_eq!(program(&stop).file_size, Some(file.len() as u64));
    let part = |offset: u64, length: u64| FileRange {
        offset: FileOffset(offset),
        length,
    };
    let size = file.len() as u64;
    let ranges = vec![part(0, 64), part(size - 10, 100), part(size + 5, 1), part(4096, 512)];
    let reply = session
        .files()
        .read_file(ReadFileRequest { process, path, ranges })
        .unwrap();
    assert_eq!(reply.lengths, [64, 10, 0, 512]);
    let parts: Vec<&[u8]> = reply.parts().collect();
    assert!(parts[0] == &file[..64] && parts[1] == &file[file.len() - 10..] && parts[3] == &file[4096..4608]);
    for path in ["/etc/passwd", "/proc/self/environ", ""] {
        let ranges = vec![part(0, 1)];
        let path = path.to_owned();
        let refused = session.files().read_file(ReadFileRequest { process, path, ranges });
        assert!(matches!(refused, Err(TargetError::File { .. })), "{refused:?}");
    }
}

/// Registers that are set are there, and a thread goes on with them.
pub fn sets_registers(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, _) = attached_counter(&mut session, 3);
    let process = counter.pid();
    let count_step = counter.address("count_step");
    let stop = go(&mut session, plan(vec![trap(1, process, count_step)]));
    let before = registers(&stop).clone();
    assert_eq!(registers_of(&mut session, process, stop.thread).general, before.general);
    let mut changed = before.clone();
    changed.debug.clear();
    for (name, value) in [("r10", 0x1122_3344_5566_7788), ("r11", u64::MAX), ("rax", 0)] {
        assert!(changed.set_by_name(name, value));
    }
    let set = |registers| {
        let request = SetRegistersRequest {
            process,
            thread: stop.thread,
            registers,
        };
        session.look().set_registers(request)
    };
    set(changed.clone()).unwrap();
    let mut short = before.clone();
    short.general.truncate(3);
    let refused = set(short);
    assert!(matches!(refused, Err(TargetError::Invalid { .. })), "{refused:?}");
    assert_eq!(
        registers_of(&mut session, process, stop.thread).general,
        changed.general
    );

    // Leave the function at once, as if it had been called: the thread goes on at its caller with what was set.
    let return_address = stack_top(&stop);
    let mut returned = before;
    returned.debug.clear();
    returned.set_pc(Address(return_address));
    returned.set_value(amd64::RSP, returned.sp().0 + 8);
    returned.set_value(amd64::RAX, 0x77);
    let request = SetRegistersRequest {
        process,
        thread: stop.thread,
        registers: returned,
    };
    session.look().set_registers(request).unwrap();
    let again = go(
        &mut session,
        plan(vec![Trap {
            thread: Some(stop.thread),
            ..trap(1, process, count_step)
        }]),
    );
    assert_eq!((again.thread, stack_top(&again)), (stop.thread, return_address));
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
}

/// The sets beside the general one come when they are asked for; a thread that is not there gives none.
pub fn shows_debug_and_vector_registers(connect: Connect<'_>) {
    let mut session = connect();
    let (counter, stop) = attached_counter(&mut session, 2);
    let process = counter.pid();
    let request = RegistersRequest {
        process,
        threads: vec![stop.thread, OsTid(NOBODY.0)],
        sets: RegisterSets {
            debug: true,
            vector: true,
        },
    };
    let reply = session.look().registers(request).unwrap().registers;
    assert_eq!(reply.len(), 2);
    assert_eq!(reply[1], None);
    let mut registers = reply[0].clone().expect("the thread's registers");
    assert_eq!((registers.general.len(), registers.debug.len()), (27, 6));
    assert!(registers.vector.len() >= 576, "an XSAVE area has at least 576 bytes");
    assert_eq!(registers.value(amd64::FS_BASE) & 7, 0);
    assert_ne!(registers.value(amd64::FS_BASE), 0);
    // xmm0 in the legacy area.
    registers.vector[160..168].copy_from_slice(&0x0123_4567_89ab_cdef_u64.to_le_bytes());
    // The header says which parts are in use; SSE is the second.
    registers.vector[512] |= 2;
    registers.debug.clear();
    let request = SetRegistersRequest {
        process,
        thread: stop.thread,
        registers: registers.clone(),
    };
    session.look().set_registers(request).unwrap();
    let request = RegistersRequest {
        process,
        threads: vec![stop.thread],
        sets: RegisterSets {
            debug: false,
            vector: true,
        },
    };
    let reply = session.look().registers(request).unwrap().registers;
    let now = reply[0].as_ref().expect("the thread's registers");
    assert_eq!(now.vector[160..168], registers.vector[160..168]);
    assert_eq!(now.debug, Vec::<u64>::new());
}

/// One request for the registers and stacks of 200 threads.
pub fn reads_stacks_of_many_threads(connect: Connect<'_>) {
    let mut session = connect();
    let mut threads = Debuggee::start("threads", &["199", "10"]);
    threads.address("born");
    let process = threads.pid();
    let stop = attach(&mut session, process);
    assert_eq!(stop.threads.started.len(), 200);
    let request = StacksRequest {
        process,
        threads: Vec::new(),
        bytes: 2048,
    };
    let reply = session.look().stacks(request).unwrap();
    assert_eq!(reply.threads.len(), 200);
    let mut offset = 0;
    for thread in &reply.threads {
        assert_eq!(thread.range.start, thread.registers.sp());
        let length = thread.range.length as usize;
        assert!(length > 0 && length <= 2048);
        let in_memory = proc::read_memory(process.0, thread.range.start, length);
        assert_eq!(reply.bytes[offset..offset + length], in_memory);
        offset += length;
    }
    assert_eq!(offset, reply.bytes.len());
    let some: Vec<OsTid> = reply.threads.iter().rev().take(3).map(|thread| thread.thread).collect();
    let request = StacksRequest {
        process,
        threads: some.clone(),
        bytes: 64,
    };
    let reply = session.look().stacks(request).unwrap();
    let told: Vec<OsTid> = reply.threads.iter().map(|thread| thread.thread).collect();
    assert_eq!(told, some);
}
