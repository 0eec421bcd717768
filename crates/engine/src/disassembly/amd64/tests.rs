//! Instructions decoded and written as DbgEng writes them.

use expect_test::expect;
use farsight_session::record::SymbolName;

use super::*;
use crate::disassembly::decode_all;

const BASE: Address = Address(0x7fff_1234_5000);

fn name(address: Address) -> Option<SymbolName> {
    match address.0 {
        0x7fff_1234_5000..=0x7fff_1234_50ff => Some(SymbolName::new("prog", "main", address.0 - 0x7fff_1234_5000)),
        0x7fff_1234_6000..=0x7fff_1234_6fff => Some(SymbolName::new("libc_so_6", "puts", address.0 - 0x7fff_1234_6000)),
        0x40_2000 => Some(SymbolName::new("prog", "message", 0)),
        _ => None,
    }
}

fn listing(bytes: &[u8]) -> String {
    let mut lines = String::new();
    for instruction in decode_all(&Amd64, BASE, bytes, usize::MAX, &mut name) {
        lines += &format!(
            "{:<2} {:?} {}\n",
            instruction.length, instruction.flow, instruction.text
        );
    }
    lines
}

#[test]
fn text_is_as_dbgeng_writes_it() {
    let bytes = [
        &[0xf3, 0x0f, 0x1e, 0xfa][..],                     // endbr64
        &[0x48, 0x83, 0xec, 0x28],                         // sub rsp,28h
        &[0x48, 0x8d, 0x0d, 0xf1, 0x0f, 0, 0],             // lea rcx,[puts]
        &[0xe8, 0xec, 0x0f, 0, 0],                         // call
        &[0xff, 0x15, 0xe6, 0x7f, 0, 0],                   // call [rip+..], nameless
        &[0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0],    // mov rax,fs:[28h]
        &[0xc7, 0x44, 0x24, 0x08, 0xff, 0xff, 0xff, 0xff], // mov dword ptr [rsp+8],-1
        &[0xbf, 0x00, 0x20, 0x40, 0x00],                   // mov edi,offset message
        &[0xb8, 0x0a, 0, 0, 0],                            // mov eax,0Ah
        &[0xb8, 0x09, 0, 0, 0],                            // mov eax,9
        &[0x75, 0xc0],                                     // jne main+..
        &[0xf3, 0x48, 0xab],                               // rep stos
        &[0x0f, 0x28, 0x04, 0x24],                         // movaps
        &[0x66, 0x0f, 0x1f, 0x44, 0, 0],                   // nop
        &[0x48, 0x8b, 0x44, 0xc8, 0xf8],                   // mov rax,[rax+rcx*8-8]
        &[0x0f, 0x05],                                     // syscall
        &[0xcc],
        &[0xff, 0xe0], // jmp rax
        &[0x06],       // no instruction in 64-bit mode
        &[0xc3],
        &[0x0f], // cut short
    ]
    .concat();
    expect![[r#"
        4  Next endbr64
        4  Next sub     rsp,28h
        7  Next lea     rcx,[libc_so_6!puts (00007fff`12346000)]
        5  Call call    libc_so_6!puts (00007fff`12346000)
        6  Call call    qword ptr [00007fff`1234d000]
        9  Next mov     rax,qword ptr fs:[28h]
        8  Next mov     dword ptr [rsp+8],0FFFFFFFFh
        5  Next mov     edi,offset prog!message (00000000`00402000)
        5  Next mov     eax,0Ah
        5  Next mov     eax,9
        2  Branch jne     00007fff`12344ffc
        3  Next rep stosq
        4  Next movaps  xmm0,xmmword ptr [rsp]
        6  Next nop     word ptr [rax+rax]
        5  Next mov     rax,qword ptr [rax+rcx*8-8]
        2  SystemCall syscall
        1  Exception int     3
        2  Jump jmp     rax
        1  Exception ???
        1  Return ret
        1  Exception ???
    "#]]
    .assert_eq(&listing(&bytes));
}

#[test]
fn branches_say_where_they_go() {
    let call = Amd64.measure(BASE, &[0xe8, 0xfb, 0x0f, 0, 0]);
    let call = call.map(|call| (call.length, call.flow, call.target));
    assert_eq!(call, Some((5, Flow::Call, Some(Address(0x7fff_1234_6000)))));
    let indirect = Amd64.measure(BASE, &[0xff, 0xd0]).map(|call| (call.flow, call.target));
    assert_eq!(indirect, Some((Flow::Call, None)));
    assert_eq!(Amd64.measure(BASE, &[]), None);
}

#[test]
fn memory_is_computed_from_registers() {
    let mut registers = |name: &str| match name {
        "rsp" => Some(0x1000),
        "rax" => Some(0x20),
        "fs_base" => Some(0x7000),
        _ => None,
    };
    let mut memory = |bytes: &[u8]| Amd64.memory(BASE, bytes, &mut registers);
    let access = |address, size, writes| MemoryAccess {
        address: Address(address),
        size,
        writes,
    };
    assert_eq!(memory(&[0xc7, 0x44, 0x24, 0x08, 1, 0, 0, 0]), [access(0x1008, 4, true)]);
    assert_eq!(memory(&[0x48, 0x8b, 0x04, 0x84]), [access(0x1080, 8, false)]);
    assert_eq!(
        memory(&[0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0]),
        [access(0x7028, 8, false)]
    );
    assert_eq!(
        memory(&[0x48, 0x8b, 0x05, 0xf9, 0x0f, 0, 0]),
        [access(0x7fff_1234_6000, 8, false)]
    );
    assert_eq!(memory(&[0x50]), [access(0xff8, 8, true)]);
    // rbx is not known.
    assert_eq!(memory(&[0x48, 0x8b, 0x03]), []);
}

#[test]
fn no_bytes_make_it_panic() {
    let mut seed = 0x1234_5678_u64;
    let mut bytes = [0_u8; 16];
    for _ in 0..20_000 {
        for byte in &mut bytes {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (seed >> 56) as u8;
        }
        let instruction = Amd64.decode(Address(seed), &bytes, &mut |_| None).unwrap();
        assert!((1..=15).contains(&instruction.length));
        assert!(!instruction.text.is_empty());
        let _ = Amd64.memory(Address(seed), &bytes, &mut |_| Some(seed));
    }
}
