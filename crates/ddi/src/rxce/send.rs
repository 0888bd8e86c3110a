//! Sending, on circuits and from datagram addresses.

use super::address::{self, Opened};
use super::answer;
use super::circuit;
use super::mdl::Chain;
use super::read::Information;
use super::sink::Added;
use crate::abi::{
    Mdl, NtStatus, RxceAddress, RxceVc, SEND_NON_BLOCKING, SEND_PARTIAL, SEND_SYNCHRONOUS,
    TdiConnectionInformation,
};
use crate::engine::{self, Engine};
use crate::platform::Rule;
use alloc::vec::Vec;
use core::ffi::c_void;
use executive::task::oneshot;
use nt::Status;

/// Sends the first `SendLength` bytes of `pMdl`, of which a copy is taken: without RXCE_SEND_PARTIAL that must be all of
/// them. IRQL <= APC_LEVEL; with RXCE_SEND_SYNCHRONOUS not in an event handler.
///
/// Asynchronously: STATUS_SUCCESS once it is submitted, and SendComplete tells the outcome with `pCompletionContext`; sends go
/// out in the order of submission. With RXCE_SEND_SYNCHRONOUS: waits, ignores the context, and answers the outcome. With
/// RXCE_SEND_NON_BLOCKING: STATUS_DEVICE_NOT_READY instead of having more than a window's worth under way, and SendPossible
/// follows when there is room. RXCE_SEND_EXPEDITED and RXCE_SEND_NO_RESPONSE_EXPECTED change nothing here.
///
/// STATUS_CONNECTION_DISCONNECTED for a circuit that is none, is not active, or has itself or a parent written over;
/// STATUS_INVALID_PARAMETER for a length that is zero or does not fit the MDL and the options;
/// STATUS_INSUFFICIENT_RESOURCES.
///
/// # Safety
/// The pointers are null or valid, except that `pVc` may point to nothing of the engine's.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeSend(
    pVc: *mut RxceVc,
    SendOptions: u32,
    pMdl: *mut Mdl,
    SendLength: u32,
    pCompletionContext: *mut c_void,
) -> NtStatus {
    // SAFETY: handed down.
    answer(unsafe { send(pVc, SendOptions, pMdl, SendLength, pCompletionContext) })
}

unsafe fn send(
    place: *mut RxceVc,
    options: u32,
    mdl: *mut Mdl,
    length: u32,
    context: *mut c_void,
) -> nt::Result {
    let synchronous = options & SEND_SYNCHRONOUS != 0;
    let rules: &[Rule] = if synchronous {
        &[Rule::ApcLevel, Rule::NotInHandler]
    } else {
        &[Rule::ApcLevel]
    };
    let engine = match engine::running() {
        Some(_) => engine::enter("RxCeSend", rules)?,
        None => return Err(Status::CONNECTION_DISCONNECTED),
    };
    let circuit = circuit::find(&engine, place).map_err(|_| Status::CONNECTION_DISCONNECTED)?;
    if !circuit.is_active() {
        return Err(Status::CONNECTION_DISCONNECTED);
    }
    // SAFETY: handed down.
    let data = unsafe { outgoing(&engine, options, mdl, length)? };
    let (waiter, outcome) = if synchronous {
        let (waiter, outcome) = oneshot::<Status>()?;
        (Some(waiter), Some(outcome))
    } else {
        (None, None)
    };
    let non_blocking = options & SEND_NON_BLOCKING != 0;
    let added = circuit
        .sends
        .lock()
        .add(context.expose_provenance(), data.len(), waiter, non_blocking)?;
    let Added::Number(number) = added else {
        return Err(Status::DEVICE_NOT_READY);
    };
    if let Err(status) = circuit.circuit.submit(data, number) {
        circuit.sends.lock().forget(number);
        return Err(status);
    }
    let Some(mut outcome) = outcome else {
        return Ok(());
    };
    let status = loop {
        // On failure to wait, the outcome has not been asked for yet.
        if let Ok(told) = engine.runtime.block_on(&mut outcome) {
            break told.unwrap_or(Status::CONNECTION_DISCONNECTED);
        }
    };
    if status.is_success() { Ok(()) } else { Err(status) }
}

/// A copy of what is to be sent.
unsafe fn outgoing(engine: &Engine, options: u32, mdl: *mut Mdl, length: u32) -> nt::Result<Vec<u8>> {
    // SAFETY: handed down.
    let chain = unsafe { Chain::measure(mdl)? };
    let length = length as usize;
    let fits = if options & SEND_PARTIAL != 0 {
        length <= chain.length
    } else {
        length == chain.length
    };
    if length == 0 || !fits {
        return Err(Status::INVALID_PARAMETER);
    }
    // SAFETY: the caller leaves the buffer alone until the routine returns.
    unsafe { chain.read(&*engine.platform, length) }
}

/// Sends the first `SendLength` bytes of `pMdl` as one datagram to the first remote address in `pConnectionInformation` that
/// the transport can reach; SendComplete of the address's handlers tells the outcome. RXCE_SEND_SYNCHRONOUS is disregarded.
/// IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS once it is submitted; STATUS_INVALID_PARAMETER for an address that is none or not for datagrams, bad
/// connection information, or a length as for [`RxCeSend`]; STATUS_INSUFFICIENT_RESOURCES.
///
/// # Safety
/// The pointers are null or valid, except that `hAddress` may point to nothing of the engine's.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeSendDatagram(
    hAddress: *mut RxceAddress,
    pConnectionInformation: *const TdiConnectionInformation,
    SendOptions: u32,
    pMdl: *mut Mdl,
    SendLength: u32,
    pCompletionContext: *mut c_void,
) -> NtStatus {
    // SAFETY: handed down.
    answer(unsafe {
        send_datagram(
            hAddress,
            pConnectionInformation,
            SendOptions,
            pMdl,
            SendLength,
            pCompletionContext,
        )
    })
}

unsafe fn send_datagram(
    place: *mut RxceAddress,
    information: *const TdiConnectionInformation,
    options: u32,
    mdl: *mut Mdl,
    length: u32,
    context: *mut c_void,
) -> nt::Result {
    let engine = engine::enter("RxCeSendDatagram", &[Rule::ApcLevel])?;
    let address = address::find(&engine, place)?;
    let Opened::Datagrams(port) = &address.opened else {
        return Err(Status::INVALID_PARAMETER);
    };
    // SAFETY: handed down.
    let information = unsafe { Information::copy(information)? };
    let device = address.transport.device;
    let reachable = |remote: &&core::net::SocketAddr| device.accepts(remote) && remote.port() != 0;
    let remote = information.remotes.iter().find(reachable);
    let &remote = remote.ok_or(Status::INVALID_PARAMETER)?;
    // SAFETY: handed down.
    let data = unsafe { outgoing(&engine, options, mdl, length)? };
    if data.len() > address.transport.info.max_datagram_size as usize {
        return Err(Status::INVALID_PARAMETER);
    }
    port.submit(data, remote, context.expose_provenance())
}
