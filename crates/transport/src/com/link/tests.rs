//! Both ends of a line over a cable in virtual time, good and bad.

mod cable;

use std::time::Duration;

use self::cable::{Cable, Dice, Noise, User};
use super::connections::WINDOW;
use super::{Closed, Link, Pace};

const SECOND: Duration = Duration::from_secs(1);

/// A user that sends this and then no more.
fn sender(bytes: &[u8]) -> User {
    User {
        to_send: bytes.iter().copied().collect(),
        then_finish: true,
        reads: true,
        ..User::default()
    }
}

/// Sends bytes there and back; how long it took.
#[track_caller]
fn echo(cable: &mut Cable, bytes: &[u8], limit: Duration) -> Duration {
    let start = cable.now;
    let id = cable.open(0, 3, sender(bytes));
    let came = cable.run_until(limit, |cable| cable.user(0, id).finished);
    let user = cable.user(0, id);
    assert!(
        came,
        "{} of {} bytes came back: {:?}",
        user.got.len(),
        bytes.len(),
        user.closed
    );
    assert!(user.got == bytes, "other bytes came back");
    user.then_close = true;
    let taken = cable.now - start;
    let over = cable.run_until(limit, |cable| cable.ends.iter().all(|end| end.link.is_at_rest()));
    assert!(over, "the connection does not end: {cable:#?}");
    cable.ends[0].users.clear();
    taken
}

#[test]
fn what_is_sent_comes_whole_whatever_the_line_does() {
    let one = |what: fn(&mut Noise) -> &mut u64, often: u64| {
        let mut noise = Noise::default();
        *what(&mut noise) = often;
        noise
    };
    let noises = [
        Noise::default(),
        one(|noise| &mut noise.lost, 100),
        one(|noise| &mut noise.changed, 100),
        one(|noise| &mut noise.doubled, 100),
        one(|noise| &mut noise.inserted, 100),
        Noise::evenly(5),
        Noise::evenly(25),
        Noise::evenly(75),
    ];
    for (number, noise) in noises.into_iter().enumerate() {
        for baud in [9_600, 115_200, 4_000_000] {
            for round in 0..4 {
                let seed = 1_000 * number as u64 + round;
                println!("seed {seed}, {baud} baud, {noise:?}");
                let mut cable = Cable::new(baud, seed);
                cable.ends[1].link.listen(3);
                cable.noise = noise;
                let bytes = Dice::new(seed).bytes(8_000);
                let least = SECOND * 80_000 / baud;
                echo(&mut cable, &bytes, least * 12 + 60 * SECOND);
            }
        }
    }
}

#[test]
fn a_good_line_is_used_well_and_rests_when_nobody_speaks() {
    for baud in [9_600_u32, 115_200, 4_000_000] {
        println!("{baud} baud");
        let mut cable = Cable::new(baud, 1);
        cable.ends[1].link.listen(3);
        let bytes = Dice::new(1).bytes(100_000);
        let taken = echo(&mut cable, &bytes, 1_000 * SECOND);
        // There and back at the same time, and what frames cost.
        let least = SECOND * 1_000_000 / baud;
        assert!(
            taken < least * 125 / 100 + SECOND / 5,
            "{baud}: {taken:?} for {least:?}"
        );
        cable.run_until(SECOND, |_| false);
        let carried = [0, 1].map(|end| cable.carried(end));
        assert!(carried.iter().all(|bytes| *bytes < 130_000), "{carried:?}");
        // Nobody is connected: nothing is ever due.
        cable.run_until(3_600 * SECOND, |_| false);
        assert_eq!(carried, [0, 1].map(|end| cable.carried(end)));
        // Somebody is, and says nothing.
        let id = cable.open(0, 3, sender(b""));
        cable.user(0, id).then_finish = false;
        cable.run_until(100 * SECOND, |_| false);
        assert!(cable.user(0, id).accepted && cable.user(0, id).closed.is_none());
        let more = [0, 1].map(|end| cable.carried(end) - carried[end]);
        assert!(more.iter().all(|bytes| *bytes < 250), "{more:?}");
    }
}

#[test]
fn questions_and_answers_cost_little_but_themselves() {
    let mut cable = Cable::new(115_200, 1);
    cable.ends[1].link.listen(3);
    let id = cable.open(
        0,
        3,
        User {
            reads: true,
            ..User::default()
        },
    );
    assert!(cable.run_until(SECOND, |cable| cable.user(0, id).accepted));
    let (start, carried) = (cable.now, cable.carried(0));
    for _ in 0..50 {
        cable.user(0, id).got.clear();
        cable.user(0, id).to_send.extend([7; 50]);
        assert!(cable.run_until(SECOND, |cable| cable.user(0, id).got.len() == 50));
    }
    let each = (cable.now - start) / 50;
    // 61 bytes there and back take 10.6 ms, and the way 2 ms.
    assert!(each < Duration::from_millis(15), "{each:?}");
    assert!(cable.carried(0) - carried <= 50 * 61 + 20);
}

#[test]
fn a_small_message_does_not_wait_for_much_of_another_channel() {
    let mut cable = Cable::new(115_200, 1);
    for channel in [3, 4] {
        cable.ends[1].link.listen(channel);
    }
    let much = cable.open(0, 3, sender(&[1; 60_000]));
    let small = cable.open(
        0,
        4,
        User {
            reads: true,
            ..User::default()
        },
    );
    let runs = |cable: &mut Cable| cable.user_of(1, 3).is_some_and(|user| user.got.len() > 5_000);
    assert!(cable.run_until(2 * SECOND, |cable| runs(cable) && cable.user(0, small).accepted));
    let start = cable.now;
    cable.user(0, small).to_send.extend([2; 40]);
    assert!(cable.run_until(SECOND, |cable| cable.user(0, small).got.len() == 40));
    let taken = cable.now - start;
    assert!(taken < Duration::from_millis(90), "{taken:?}");
    assert!(cable.run_until(20 * SECOND, |cable| cable.user(0, much).finished));
    assert_eq!(cable.user(0, much).got.len(), 60_000);
}

#[test]
fn who_reads_nothing_stops_nobody_else_and_takes_a_bounded_place() {
    let mut cable = Cable::new(4_000_000, 1);
    for channel in 3..13 {
        cable.ends[1].link.listen(channel);
    }
    cable.ends[1].echoes = false;
    let ids: Vec<_> = (3..13)
        .map(|channel| cable.open(0, channel, sender(&[5; 200_000])))
        .collect();
    let is_last = |cable: &Cable| cable.ends[1].users.len() == 10;
    assert!(cable.run_until(SECOND, |cable| is_last(cable)));
    for user in cable.ends[1].users.values_mut() {
        user.reads = user.channel == 12;
    }
    assert!(cable.run_until(60 * SECOND, |cable| {
        cable.user_of(1, 12).is_some_and(|user| user.finished)
    }));
    assert_eq!(cable.user_of(1, 12).unwrap().got.len(), 200_000);
    cable.run_until(5 * SECOND, |_| false);
    for end in &cable.ends {
        assert!(end.most_kept <= 10 * WINDOW + 10 * 4096 + 64 * 256, "{}", end.most_kept);
    }
    for user in cable.ends[1].users.values_mut() {
        user.reads = true;
    }
    assert!(cable.run_until(60 * SECOND, |cable| {
        cable.ends[1].users.values().all(|user| user.finished)
    }));
    assert!(cable.ends[1].users.values().all(|user| user.got.len() == 200_000));
    assert!(ids.iter().all(|id| cable.user(0, *id).closed.is_none()));
}

#[test]
fn a_channel_that_nobody_serves_is_refused_at_once_and_either_end_may_open() {
    let mut cable = Cable::new(115_200, 1);
    cable.ends[0].link.listen(9);
    let nobody = cable.open(0, 3, sender(b"hello"));
    let other_way = cable.open(1, 9, sender(b"good day"));
    assert!(cable.run_until(SECOND / 5, |cable| cable.user(0, nobody).closed.is_some()));
    assert_eq!(cable.user(0, nobody).closed, Some(Closed::NobodyServes));
    assert!(cable.run_until(SECOND / 5, |cable| cable.user(1, other_way).finished));
    assert_eq!(cable.user(1, other_way).got, b"good day");
    cable.ends[0].link.stop_listening(9);
    let late = cable.open(1, 9, sender(b""));
    assert!(cable.run_until(SECOND / 5, |cable| cable.user(1, late).closed.is_some()));
}

#[test]
fn one_direction_ends_before_the_other_and_the_rest_still_comes() {
    let mut cable = Cable::new(115_200, 1);
    cable.ends[1].link.listen(3);
    cable.ends[1].echoes = false;
    let id = cable.open(0, 3, sender(b"the question"));
    assert!(cable.run_until(SECOND, |cable| cable.user_of(1, 3).is_some_and(|user| user.finished)));
    let server = cable.user_of(1, 3).unwrap();
    assert_eq!(server.got, b"the question");
    server.to_send.extend([1; 9_000]);
    server.then_close = true;
    assert!(cable.run_until(5 * SECOND, |cable| cable.user(0, id).closed.is_some()));
    assert_eq!(
        (cable.user(0, id).got.len(), cable.user(0, id).closed),
        (9_000, Some(Closed::Done))
    );
}

#[test]
fn an_end_that_is_started_anew_is_noticed_even_in_noise() {
    for seed in 0..40 {
        println!("seed {seed}");
        let mut cable = Cable::new(115_200, seed);
        cable.noise = Noise::evenly(seed % 4 * 12);
        cable.ends[1].link.listen(3);
        let id = cable.open(0, 3, sender(&[1; 50_000]));
        let much = |cable: &mut Cable| cable.user_of(1, 3).is_some_and(|user| user.got.len() > 3_000);
        assert!(cable.run_until(20 * SECOND, much));
        // The server's end first, while data runs; then the client's.
        cable.restart(1);
        cable.ends[1].link.listen(3);
        assert!(cable.run_until(5 * SECOND, |cable| cable.user(0, id).closed.is_some()));
        assert_eq!(cable.user(0, id).closed, Some(Closed::Restarted));
        cable.ends[0].link.release(id);
        cable.ends[0].users.clear();
        let id = cable.open(0, 3, sender(&[2; 9_000]));
        assert!(cable.run_until(20 * SECOND, much), "{:?}", cable.user(0, id));
        cable.restart(0);
        let bytes = Dice::new(seed).bytes(3_000);
        echo(&mut cable, &bytes, 30 * SECOND);
        // Only what began anew is there.
        assert!(cable.ends.iter().all(|end| end.users.is_empty()));
    }
}

#[test]
fn a_cable_that_is_plugged_in_again_in_time_carries_on_and_later_does_not() {
    let mut cable = Cable::new(115_200, 1);
    cable.ends[1].link.listen(3);
    let bytes = Dice::new(1).bytes(20_000);
    let id = cable.open(0, 3, sender(&bytes));
    assert!(cable.run_until(SECOND, |cable| cable.user(0, id).got.len() > 5_000));
    for time in [1, 10, 30] {
        cable.is_cut = true;
        let had = cable.user(0, id).got.len();
        cable.run_until(time * SECOND, |_| false);
        cable.is_cut = false;
        assert!(cable.run_until(3 * SECOND, |cable| cable.user(0, id).got.len() > had + 1_000));
    }
    assert!(cable.run_until(10 * SECOND, |cable| cable.user(0, id).finished));
    assert!(cable.user(0, id).got == bytes);
    cable.is_cut = true;
    let over = |cable: &mut Cable| cable.user(0, id).closed.is_some() && cable.ends[1].users.is_empty();
    assert!(cable.run_until(60 * SECOND, over));
    assert_eq!(cable.user(0, id).closed, Some(Closed::Silent));
    cable.ends[0].link.release(id);
    // With the cable out, a new one waits; with the cable in, it opens.
    let id = cable.open(0, 3, sender(b"again"));
    assert!(!cable.run_until(100 * SECOND, |cable| cable.user(0, id).accepted
        || cable.user(0, id).closed.is_some()));
    cable.is_cut = false;
    assert!(cable.run_until(3 * SECOND, |cable| cable.user(0, id).finished));
}

#[test]
fn what_is_wrong_with_a_line_can_be_told_from_what_came() {
    let mut cable = Cable::new(115_200, 1);
    cable.is_cut = true;
    cable.open(0, 3, sender(b""));
    cable.run_until(5 * SECOND, |_| false);
    assert_eq!(cable.ends[0].link.heard().bytes, 0);
    cable.is_cut = false;
    cable.restart(0);
    cable.inject(1, b"\r\nDebian GNU/Linux 12 host ttyS0\r\n\r\nhost login: ");
    cable.run_until(Duration::ZERO, |_| false);
    let heard = cable.ends[0].link.heard();
    assert!(
        heard.frames == 0 && heard.of_text == heard.bytes && heard.bytes > 40,
        "{heard:?}"
    );
    // A line that gives back what it gets.
    let mut alone = Link::new(Pace::of(115_200), 7, Duration::ZERO);
    alone.open(3, Duration::ZERO);
    let mut line = Vec::new();
    for _ in 0..20 {
        let now = alone.deadline().expect("hellos go on");
        line.clear();
        alone.transmit(now, &mut line);
        alone.receive(&line, now);
    }
    assert!(alone.heard().echoes > 2 && alone.heard().echoes == alone.heard().frames);
}

#[test]
fn anything_may_come_at_any_time() {
    for seed in 0..60 {
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        let mut cable = Cable::new([300, 115_200, 4_000_000][seed as usize % 3], seed);
        cable.noise = Noise::evenly(dice.roll(60));
        for channel in 0..6 {
            let end = dice.roll(2) as usize;
            cable.ends[end].link.listen(channel);
        }
        for _ in 0..60 {
            let end = dice.roll(2) as usize;
            match dice.roll(8) {
                0 => cable.restart(end),
                1 => cable.is_cut = dice.roll(3) == 0,
                2 => {
                    let noise = dice.bytes(300);
                    cable.inject(end, &noise);
                }
                3 => {
                    let channel = dice.roll(8) as u8;
                    cable.ends[end].link.listen(channel);
                }
                4..=6 if cable.ends[end].users.len() < 20 => {
                    let length = dice.roll(9_000) as usize;
                    let mut user = sender(&dice.bytes(length));
                    user.reads = dice.roll(4) > 0;
                    user.then_close = dice.roll(2) == 0;
                    let channel = dice.roll(8) as u8;
                    cable.open(end, channel, user);
                }
                _ => {
                    let ids: Vec<_> = cable.ends[end].users.keys().copied().collect();
                    if let Some(id) = ids.first() {
                        cable.ends[end].users.remove(id);
                        cable.ends[end].link.abandon(*id);
                    }
                }
            }
            let time = Duration::from_millis(dice.roll(400));
            cable.run_until(time, |_| false);
        }
        for end in &cable.ends {
            assert!(end.most_kept < 256 * (WINDOW + 4096), "{}", end.most_kept);
        }
        // And then everything is as if nothing had been.
        cable.noise = Noise::default();
        cable.is_cut = false;
        for end in 0..2 {
            cable.restart(end);
            cable.ends[end].echoes = true;
        }
        cable.ends[1].link.listen(3);
        let bytes = dice.bytes(2_000);
        echo(&mut cable, &bytes, 200 * SECOND);
    }
}
