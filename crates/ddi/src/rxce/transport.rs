//! RXCE_TRANSPORT.

use super::{answer, read};
use crate::abi::{NtStatus, Owned, RxceTransport, TdiProviderInfo, UnicodeString};
use crate::engine::{self, Engine, Object};
use crate::platform::Rule;
use crate::provider::{Device, Registered, Traffic};
use crate::shown::Shown;
use core::ptr;
use executive::mem::Arc;
use nt::Status;
use rxce::Binding;

/// What the engine keeps of a transport.
pub(crate) struct TransportState {
    pub(crate) place: usize,
    pub(crate) binding: Binding<Registered>,
    pub(crate) device: Device,
    pub(crate) info: TdiProviderInfo,
    /// What the members point to.
    name: Shown,
    shown_info: Shown,
}

/// TDI_SERVICE_CONNECTION_MODE, _ORDERLY_RELEASE, _ERROR_FREE_DELIVERY, _INTERNAL_BUFFERING, _NO_ZERO_LENGTH.
const STREAM_SERVICES: u32 = 0x1 | 0x2 | 0x8 | 0x200 | 0x800;
/// TDI_SERVICE_CONNECTIONLESS_MODE.
const DATAGRAM_SERVICES: u32 = 0x4;
/// What is left of an IPv4 packet after its headers.
const LARGEST_DATAGRAM: u32 = 65_507;
/// The most that a receive indication shows.
pub(crate) const RECEIVE_BUFFER: u32 = 64 * 1024;

fn provider_info(engine: &Engine, device: &Device) -> TdiProviderInfo {
    let streams = device.traffic == Traffic::Streams;
    TdiProviderInfo {
        version: 0x0200,
        max_send_size: if streams { u32::MAX } else { LARGEST_DATAGRAM },
        max_connection_user_data: 0,
        max_datagram_size: if streams { 0 } else { LARGEST_DATAGRAM },
        service_flags: if streams {
            STREAM_SERVICES
        } else {
            DATAGRAM_SERVICES
        },
        minimum_lookahead_data: 1,
        maximum_lookahead_data: RECEIVE_BUFFER,
        number_of_resources: 0,
        start_time: engine.started.0,
    }
}

/// The transport that is built at `place`.
///
/// # Errors
/// `INVALID_PARAMETER` when there is none, or it has been written over.
pub(super) fn find(engine: &Engine, place: *const RxceTransport) -> nt::Result<Arc<TransportState>> {
    engine.look(place, |object| match object {
        Object::Transport(transport) if transport.is_sound() => Ok(transport.clone()),
        _ => Err(Status::INVALID_PARAMETER),
    })
}

impl TransportState {
    pub(super) fn place(&self) -> *mut RxceTransport {
        ptr::with_exposed_provenance_mut(self.place)
    }

    /// Whether the caller's structure is in order.
    pub(super) fn is_sound(&self) -> bool {
        // SAFETY: a transport is built for as long as anything stands on it.
        unsafe { read::signed(self.place()) }
    }
}

/// Binds the transport named `pTransportName` (a device name such as `\Device\Tcp`) with a quality of service that is
/// handed on, and makes `pRxCeTransport` its description. IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS; STATUS_INVALID_PARAMETER for a null pointer, a malformed or unknown name, or storage that is in use;
/// STATUS_INSUFFICIENT_RESOURCES. On failure the storage is zeroed, unless it is in use.
///
/// # Safety
/// The pointers are null or valid; `pRxCeTransport` stays where it is until it is torn down.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeBuildTransport(
    pRxCeTransport: *mut RxceTransport,
    pTransportName: *const UnicodeString,
    QualityOfService: u32,
) -> NtStatus {
    // SAFETY: handed down.
    answer(unsafe { build(pRxCeTransport, pTransportName, QualityOfService) })
}

unsafe fn build(place: *mut RxceTransport, name: *const UnicodeString, quality: u32) -> nt::Result {
    let engine = engine::enter("RxCeBuildTransport", &[Rule::ApcLevel])?;
    let claim = Engine::claim(&engine, place)?;
    // SAFETY: claimed: the caller's storage, not in use.
    unsafe { read::clear(place) };
    // SAFETY: handed down.
    let name = unsafe { read::name(name)? };
    let device = engine
        .provider
        .device(name.as_name())
        .ok_or(Status::INVALID_PARAMETER)?;
    let info = provider_info(&engine, &device);
    let transport = Arc::try_new(TransportState {
        place: place.expose_provenance(),
        binding: Binding::build(&engine.runtime, engine.provider.clone(), name.as_name(), quality)?,
        device,
        info,
        name: Shown::units(name.as_units())?,
        shown_info: Shown::value(info)?,
    })?;
    let bytes = (name.as_units().len() * 2) as u16;
    let structure = RxceTransport {
        signature: RxceTransport::SIGNATURE,
        name: UnicodeString {
            length: bytes,
            maximum_length: bytes,
            buffer: transport.name.as_ptr(),
        },
        device_object: ptr::null_mut(),
        control_channel: engine.next_number(),
        control_channel_file_object: ptr::null_mut(),
        provider_info: transport.shown_info.as_ptr(),
        connection_count: 0,
        virtual_circuit_count: 0,
        quality_of_service: quality,
    };
    // SAFETY: claimed: the caller's storage, aligned and not in use.
    unsafe { place.write(structure) };
    claim.fulfil(Object::Transport(transport));
    Ok(())
}

/// Unbinds the transport and makes the structure uninitialised. IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS, also when nothing is bound at that place, which is then left alone; STATUS_INVALID_PARAMETER when the
/// pointer is null, another kind of object is built there, the structure has been written over, or an address stands on it.
///
/// # Safety
/// The pointer is null, points to nothing of the engine's, or to a structure that is built.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeTearDownTransport(pTransport: *mut RxceTransport) -> NtStatus {
    answer(tear_down(pTransport))
}

fn tear_down(place: *mut RxceTransport) -> nt::Result {
    let engine = engine::enter("RxCeTearDownTransport", &[Rule::ApcLevel])?;
    if place.is_null() {
        return Err(Status::INVALID_PARAMETER);
    }
    if !engine.is_taken(place) {
        return Ok(());
    }
    let transport = find(&engine, place)?;
    let object = Object::Transport(transport.clone());
    let claim = Engine::detach(&engine, place, &object)?;
    if let Err(status) = transport.binding.tear_down() {
        claim.fulfil(object);
        return Err(status);
    }
    // SAFETY: it was built until now, and only the one tear-down that got here takes it out.
    unsafe { read::clear(place) };
    Ok(())
}
