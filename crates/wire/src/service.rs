//! The service table: one list of rows gives a trait, a proxy and a dispatcher.

use crate::{Call, CallStatus, Incoming, Message, Operation, Pending, Port, PortError, Reply};

/// Makes a type a [`Message`](crate::Message); `bulk = field` names a `Vec<u8>` that travels behind the body and is
/// marked `#[cbor(skip)]`.
#[macro_export]
macro_rules! message {
    ($Type:ty) => {
        $crate::message!(@impl $Type, {});
    };
    ($Type:ty, bulk = $field:ident) => {
        $crate::message!(@impl $Type, {
            fn take_bulk(&mut self) -> Vec<u8> {
                ::std::mem::take(&mut self.$field)
            }
            fn put_bulk(&mut self, bulk: Vec<u8>) {
                self.$field = bulk;
            }
        });
    };
    (@impl $Type:ty, { $($rest:item)* }) => {
        impl $crate::Message for $Type {
            fn to_body(&self) -> Vec<u8> {
                let mut body = Vec::new();
                // Writing to a vector cannot fail.
                let _ = ::minicbor::encode(self, &mut body);
                body
            }
            fn from_body(body: &[u8]) -> Result<Self, $crate::WireError> {
                ::minicbor::decode(body).map_err(|error| $crate::WireError::Malformed {
                    what: stringify!($Type),
                    why: error.to_string(),
                })
            }
            $($rest)*
        }
    };
}

/// Writes a service once.
///
/// Each row has a number that is never reused, whether it `reads` or `changes` state (replies to the latter are kept
/// until acknowledged), the method, the name of the method that only sends, the request and the reply. A row takes one
/// message, so that optional fields can be added later. The table gives:
///
/// - the trait, which a server implements and the proxy implements as well;
/// - the proxy over a [`Port`](crate::Port), with the sending methods for pipelining;
/// - `dispatch`, which runs a row for a request, and `changes_state`, which tells the kinds of rows apart.
#[macro_export]
macro_rules! service {
    (
        $(#[$doc:meta])*
        pub trait $Service:ident = $number:literal, proxy $Proxy:ident, module $module:ident, error $Error:ty {
            $(
                $(#[$row_doc:meta])*
                $row:literal $effect:ident $method:ident / $begin:ident ($Request:ty) -> $Reply:ty;
            )*
        }
    ) => {
        $(#[$doc])*
        pub trait $Service {
            $(
                $(#[$row_doc])*
                fn $method(&mut self, request: $Request) -> Result<$Reply, $Error>;
            )*
        }

        #[doc = concat!("Sends the rows of [`", stringify!($Service), "`] through a port.")]
        #[derive(Clone, Debug)]
        pub struct $Proxy<P>(pub P);

        impl<P: $crate::Port> $Proxy<P> {
            $(
                #[doc = concat!("Sends [`", stringify!($Service), "::", stringify!($method), "`] without waiting.")]
                pub fn $begin(&self, request: $Request) -> Result<$crate::Pending<$Reply, $Error>, $Error> {
                    $crate::macros::begin(&self.0, $crate::Operation::new($number, $row), request)
                }
            )*
        }

        impl<P: $crate::Port> $Service for $Proxy<P> {
            $(
                fn $method(&mut self, request: $Request) -> Result<$Reply, $Error> {
                    self.$begin(request)?.wait(&self.0)
                }
            )*
        }

        #[doc = concat!("The answering side of [`", stringify!($Service), "`].")]
        pub mod $module {
            use super::*;

            /// Runs the row that a request names; none when the request is not for this service.
            pub fn dispatch<S: $Service + ?Sized>(
                service: &mut S,
                call: &mut $crate::Incoming,
            ) -> Option<$crate::Reply> {
                const SERVICE: u8 = $number;
                if call.operation.0 >> 8 != u16::from(SERVICE) {
                    return None;
                }
                Some(match call.operation.0 & 0xff {
                    $(
                        $row => $crate::macros::answer(call, |request: $Request| service.$method(request)),
                    )*
                    _ => $crate::Reply::bare($crate::CallStatus::Unsupported),
                })
            }

            /// Every row: its operation and its method's name.
            pub const OPERATIONS: &[($crate::Operation, &str)] =
                &[$(($crate::Operation::new($number, $row), stringify!($method)),)*];

            /// Whether a request of this service changes state.
            pub fn changes_state(operation: $crate::Operation) -> bool {
                $(
                    if operation == $crate::Operation::new($number, $row) {
                        return stringify!($effect) == "changes";
                    }
                )*
                false
            }
        }
    };
}

/// Sends a request; what the proxy's methods do.
pub fn begin<P: Port, Q: Message, R: Message, E: Message + From<PortError>>(
    port: &P,
    operation: Operation,
    mut request: Q,
) -> Result<Pending<R, E>, E> {
    let bulk = request.take_bulk();
    let call = Call {
        operation,
        body: request.to_body(),
        bulk,
    };
    Ok(Pending::new(port.send(call)?))
}

/// Runs one row; what the dispatcher's arms do.
pub fn answer<Q: Message, R: Message, E: Message>(call: &mut Incoming, run: impl FnOnce(Q) -> Result<R, E>) -> Reply {
    let Ok(mut request) = Q::from_body(&call.body) else {
        return Reply::bare(CallStatus::Malformed);
    };
    request.put_bulk(std::mem::take(&mut call.bulk));
    match run(request) {
        Ok(mut reply) => {
            let bulk = reply.take_bulk();
            Reply {
                status: CallStatus::Done,
                body: reply.to_body(),
                bulk,
            }
        }
        Err(error) => Reply {
            status: CallStatus::Failed,
            body: error.to_body(),
            bulk: Vec::new(),
        },
    }
}
