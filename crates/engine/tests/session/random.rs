//! Programs of the command language made by chance: whatever they are, the engine answers and goes on.

use std::time::Duration;

use crate::support::{Session, World, attach};

/// Numbers that look like chance and are always the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn expression(&mut self) -> &'static str {
        self.of(&[
            "0",
            "1",
            "@$t0 < 3",
            "@$t0",
            "poi(@rsp)",
            "1 +",
            "Name",
            "${/d:Name}",
            "x",
            "main",
            "(",
            "",
        ])
    }

    fn block(&mut self, depth: usize) -> String {
        let count = self.below(4);
        let commands: Vec<String> = (0..count).map(|_| self.command(depth)).collect();
        commands.join(self.of(&[";", "; ", ";;"]))
    }

    fn command(&mut self, depth: usize) -> String {
        if depth > 4 || self.below(3) == 0 {
            return self
                .of(&[
                    ".echo x ${x} Name",
                    "r $t0 = @$t0 + 1",
                    "g",
                    "p",
                    "t 3",
                    "k 2",
                    ".break",
                    ".continue",
                    ".leave",
                    "bogus",
                    ".printf \"%d %ma %y\\n\", 1, @rsp, main",
                    "as Name .echo text",
                    "aS /x ${/v:Name} @$t0",
                    "aS /c Name .echo y",
                    "ad /q Name",
                    "Name",
                    "al",
                    "z(@$t0 < 2)",
                    "j 1 '.echo a; k 1' ; 'g'",
                    "bp leaf \".if (1) { g }\"",
                    "bc *",
                    "~* e .echo t; r rip",
                    "$$>a</again x",
                    "$</lines",
                    "* rest",
                    "$$ rest",
                    ".push; .pop",
                    ".foreach",
                ])
                .to_owned();
        }
        let (one, two) = (self.block(depth + 1), self.block(depth + 1));
        let test = self.expression();
        match self.below(9) {
            0 => format!(".if ({test}) {{ {one} }} .else {{ {two} }}"),
            1 => format!(".while ({test}) {{ r $t0 = @$t0 + 1; {one} }}"),
            2 => format!(".do {{ r $t0 = @$t0 + 1; {one} }} ({test})"),
            3 => format!(".for (r $t0 = 0; @$t0 < 3; r $t0 = @$t0 + 1) {{ {one} }}"),
            4 => format!(".foreach (x {{ {one} }}) {{ {two} }}"),
            5 => format!(".foreach /pS 1 /s (x \"a b c\") {{ {one} }}"),
            6 => format!(".catch {{ {one} }}"),
            7 => format!(".block {{ {one} }}"),
            _ => format!("~* e .block {{ {one} }}"),
        }
    }
}

#[test]
fn slow_random_programs_neither_panic_nor_hang() {
    let mut world = World::with_files();
    world.files.insert(
        "/again".into(),
        b".if (@$t0 < 5) { r $t0 = @$t0 + 1; $$>a</again ${$arg1} }".to_vec(),
    );
    world
        .files
        .insert("/lines".into(), b".echo one\n.break\nbogus\n.if (1) {\ng".to_vec());
    let (mut session, _) = Session::start(world, attach());
    let mut chance = Chance(0xfa25);
    for round in 0..120 {
        let mut program = chance.block(0);
        if chance.below(3) == 0 && !program.is_empty() {
            // One character is lost.
            let at = chance.below(program.len());
            if program.is_char_boundary(at) {
                program.remove(at);
            }
        }
        if program.len() > 4000 {
            continue;
        }
        let ticket = session.send(&program);
        session.finish_or_interrupt(&program, ticket, Duration::from_millis(60));
        let shown = session.run(&format!("ad *; bc *; r $t0 = 0; .logfile; .echo alive {round}"));
        assert!(shown.ends_with(&format!("alive {round}\n")), "{program}: {shown}");
    }
}
