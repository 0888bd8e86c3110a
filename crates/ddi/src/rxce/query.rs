//! Asking transports and circuits.

use super::{answer, circuit, sink::SEND_WINDOW, transport};
use crate::abi::{
    AdapterStatus, NtStatus, RxceTransport, RxceTransportInformation, RxceVc, TdiConnectionInfo, VC_ACTIVE,
    VC_DISCONNECTED,
};
use crate::engine;
use crate::platform::Rule;
use crate::rxce::circuit::CircuitState;
use crate::tdi;
use core::ffi::c_void;
use core::ptr;
use nt::Status;

/// RxCeTransportProviderInformation.
const PROVIDER_INFORMATION: i32 = 1;
/// RxCeConnectionInformation.
const CONNECTION_INFORMATION: i32 = 2;
/// RxCeConnectionEndpointInformation.
const ENDPOINT_INFORMATION: i32 = 3;
/// RxCeRemoteAddressInformation.
const REMOTE_ADDRESS_INFORMATION: i32 = 4;

/// Tells the status of the adapter that the transport uses: its address; all else is zero. IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS; STATUS_ADDRESS_NOT_ASSOCIATED when the transport knows of no adapter address; STATUS_INVALID_PARAMETER for
/// a bad transport or pointer.
///
/// # Safety
/// `pAdapterStatus` is null or points to room for the answer; `pTransport` may point to nothing of the engine's.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeQueryAdapterStatus(
    pTransport: *mut RxceTransport,
    pAdapterStatus: *mut AdapterStatus,
) -> NtStatus {
    // SAFETY: handed down.
    answer(unsafe { adapter_status(pTransport, pAdapterStatus) })
}

unsafe fn adapter_status(place: *const RxceTransport, out: *mut AdapterStatus) -> nt::Result {
    let engine = engine::enter("RxCeQueryAdapterStatus", &[Rule::ApcLevel])?;
    let transport = transport::find(&engine, place)?;
    let adapter_address = engine
        .provider
        .adapter_address(&transport.device)
        .ok_or(Status::ADDRESS_NOT_ASSOCIATED)?;
    let answer = AdapterStatus {
        adapter_address,
        revisions: [0; 4],
        troubles: [0; 5],
        successes: [0; 2],
        timeouts: [0; 4],
        reserved: 0,
        limits: [0; 10],
    };
    // SAFETY: handed down.
    unsafe { put(out, answer) }
}

/// Tells the number of connections on the transport and its quality of service (and what its provider says of itself).
/// IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS; STATUS_INVALID_PARAMETER for a bad transport or pointer.
///
/// # Safety
/// `pTransportInformation` is null or points to room for the answer; `pTransport` may point to nothing of the engine's.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeQueryTransportInformation(
    pTransport: *mut RxceTransport,
    pTransportInformation: *mut RxceTransportInformation,
) -> NtStatus {
    // SAFETY: handed down.
    answer(unsafe { transport_information(pTransport, pTransportInformation) })
}

unsafe fn transport_information(
    place: *const RxceTransport,
    out: *mut RxceTransportInformation,
) -> nt::Result {
    let engine = engine::enter("RxCeQueryTransportInformation", &[Rule::ApcLevel])?;
    let transport = transport::find(&engine, place)?;
    let information = transport.binding.information()?;
    let answer = RxceTransportInformation {
        provider_info: transport.info,
        connection_count: u32::try_from(information.connection_count).unwrap_or(u32::MAX),
        quality_of_service: information.quality_of_service,
    };
    // SAFETY: handed down.
    unsafe { put(out, answer) }
}

/// Writes an answer of fixed size.
///
/// # Safety
/// If not null, `out` points to room for it.
unsafe fn put<T>(out: *mut T, answer: T) -> nt::Result {
    if out.is_null() || !out.is_aligned() {
        return Err(Status::INVALID_PARAMETER);
    }
    // SAFETY: not null and aligned; by the caller's word there is room.
    unsafe { out.write(answer) };
    Ok(())
}

/// Tells what `InformationClass` asks of the circuit: RxCeTransportProviderInformation (TDI_PROVIDER_INFO),
/// RxCeConnectionInformation (TDI_CONNECTION_INFORMATION, its pointers good until the connection is torn down),
/// RxCeConnectionEndpointInformation (TDI_CONNECTION_INFO), RxCeRemoteAddressInformation (TDI_ADDRESS_INFO). IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS; STATUS_BUFFER_OVERFLOW when `Length` is too small, with as much of the answer as fits;
/// STATUS_INVALID_PARAMETER for another class, a bad circuit (itself or a parent written over) or a null pointer.
///
/// # Safety
/// `pInformation` is null or points to `Length` bytes; `pVc` may point to nothing of the engine's.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeQueryInformation(
    pVc: *mut RxceVc,
    InformationClass: i32,
    pInformation: *mut c_void,
    Length: u32,
) -> NtStatus {
    // SAFETY: handed down.
    answer(unsafe { information(pVc, InformationClass, pInformation, Length) })
}

unsafe fn information(place: *const RxceVc, class: i32, out: *mut c_void, length: u32) -> nt::Result {
    let engine = engine::enter("RxCeQueryInformation", &[Rule::ApcLevel])?;
    let circuit = circuit::find(&engine, place)?;
    if out.is_null() {
        return Err(Status::INVALID_PARAMETER);
    }
    let room = length as usize;
    match class {
        PROVIDER_INFORMATION => {
            let answer = circuit.connection.address.transport.info;
            // SAFETY: handed down.
            unsafe { fit(out, room, ptr::from_ref(&answer).cast(), size_of_val(&answer)) }
        }
        CONNECTION_INFORMATION => {
            let shown: *const u8 = circuit.connection.information.shown.as_ptr();
            let size = size_of::<crate::abi::TdiConnectionInformation>();
            // SAFETY: handed down; the copy lives as long as the connection.
            unsafe { fit(out, room, shown, size) }
        }
        ENDPOINT_INFORMATION => {
            let answer = endpoint(&circuit);
            // SAFETY: handed down.
            unsafe { fit(out, room, ptr::from_ref(&answer).cast(), size_of_val(&answer)) }
        }
        REMOTE_ADDRESS_INFORMATION => {
            let (address, size) = tdi::write(circuit.connection.connection.remote());
            let mut answer = [0; size_of::<u32>() + tdi::WRITTEN];
            // ActivityCount: how many use the address.
            let (count, rest) = answer.split_at_mut(size_of::<u32>());
            count.copy_from_slice(&1_u32.to_ne_bytes());
            rest.copy_from_slice(&address);
            // SAFETY: handed down.
            unsafe { fit(out, room, answer.as_ptr(), size_of::<u32>() + size) }
        }
        _ => Err(Status::INVALID_PARAMETER),
    }
}

fn endpoint(circuit: &CircuitState) -> TdiConnectionInfo {
    let statistics = *circuit.statistics.lock();
    let state = if circuit.is_active() {
        VC_ACTIVE
    } else {
        VC_DISCONNECTED
    };
    TdiConnectionInfo {
        state: state.cast_unsigned(),
        event: 0,
        transmitted_tsdus: statistics.sent,
        received_tsdus: statistics.received,
        transmission_errors: statistics.send_errors,
        receive_errors: statistics.receive_errors,
        throughput: -1,
        delay: -1,
        send_buffer_size: SEND_WINDOW as u32,
        receive_buffer_size: transport::RECEIVE_BUFFER,
        unreliable: 0,
        padding: [0; 7],
    }
}

/// Writes as much of an answer as there is room for.
///
/// # Safety
/// `out` points to `room` bytes, and `answer` to `size`, apart from them.
unsafe fn fit(out: *mut c_void, room: usize, answer: *const u8, size: usize) -> nt::Result {
    let now = size.min(room);
    // SAFETY: by the caller's word; `now` exceeds neither.
    unsafe { ptr::copy_nonoverlapping(answer, out.cast::<u8>(), now) };
    if now < size {
        return Err(Status::BUFFER_OVERFLOW);
    }
    Ok(())
}
