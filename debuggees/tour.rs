//! tour-rust
//!
//! Shows: what the README's tour walks through in Rust: a loop over a container, a list, a value that is changed while it runs.
//! Prints: `ready PID`, a line for each order, `total N`, and exits with 0.

use std::collections::BTreeMap;
use std::io::Write as _;

#[derive(Clone, Copy, PartialEq)]
enum Payment {
    Cash,
    Card { number: u32 },
}

struct Order {
    item: String,
    count: u32,
    price: f64,
    payment: Option<Payment>,
}

struct Stop {
    city: &'static str,
    next: Option<Box<Stop>>,
}

struct Shop {
    orders: Vec<Order>,
    sold: BTreeMap<String, u32>,
    route: Option<Box<Stop>>,
}

impl Shop {
    fn new() -> Shop {
        let order = |item: &str, count, price, payment| Order { item: item.to_owned(), count, price, payment };
        let mut route = None;
        for city in ["Rome", "Lyon", "Oslo"] {
            route = Some(Box::new(Stop { city, next: route }));
        }
        Shop {
            orders: vec![
                order("lamp", 2, 19.5, Some(Payment::Cash)),
                order("bookshelf", 1, 149.0, Some(Payment::Card { number: 4711 })),
                order("cup", 12, 3.25, None),
            ],
            sold: BTreeMap::new(),
            route,
        }
    }

    fn total(&mut self, discount: u32) -> f64 {
        let mut sum = 0.0;
        for order in &self.orders {
            let mut price = order.price * f64::from(order.count);
            price -= price * f64::from(discount) / 100.0;
            *self.sold.entry(order.item.clone()).or_default() += order.count;
            sum += price;
            let paid = order.payment.is_some();
            println!("{}: {price:.2} paid: {paid}", order.item);
        }
        sum
    }

    fn stops(&self) -> usize {
        let mut count = 0;
        let mut at = &self.route;
        while let Some(stop) = at {
            count += usize::from(!stop.city.is_empty());
            at = &stop.next;
        }
        count
    }
}

/// The lifetime limit and the permission to be traced, as every debuggee has them.
fn set_up() {
    unsafe extern "C" {
        fn alarm(seconds: u32) -> u32;
        fn prctl(option: i32, ...) -> i32;
    }
    const PR_SET_PTRACER: i32 = 0x5961_6d61;
    let seconds = std::env::var("FARSIGHT_DEBUGGEE_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(600);
    // SAFETY: both take plain numbers and touch no memory of ours.
    unsafe {
        alarm(seconds);
        prctl(PR_SET_PTRACER, u64::MAX, 0_u64, 0_u64, 0_u64);
    }
}

fn main() {
    set_up();
    println!("ready {}", std::process::id());
    std::io::stdout().flush().expect("standard output");
    let mut shop = Shop::new();
    let total = shop.total(10);
    let card = shop.orders.iter().find_map(|order| match order.payment {
        Some(Payment::Card { number }) => Some(number),
        _ => None,
    });
    println!("total {total:.2}, {} stops, card {card:?}", shop.stops());
}
