//! Every routine with its first allocation failing, then its second, and so on: the documented status each time, the
//! caller's structures uninitialised, nothing left behind.

use core::ffi::c_void;
use core::mem::{MaybeUninit, zeroed};
use core::ptr::{self, NonNull};
use ddi::abi::*;
use ddi::host::{Host, RxCeHostInitializeMdl};
use ddi::platform::{Platform, Rule};
use ddi::provider::Over;
use ddi::rxce::*;
use ddi::{Parts, start, stop, tdi};
use executive::mem::{AllocError, Counting, fail_nth};
use executive::task::Runtime;
use nt::Status;
use rxce::memory::{Listener, Network};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

/// Fails on demand, and keeps a tally for each thread: what the test harness allocates meanwhile is none of our business.
struct Tallied(Counting<System>);

std::thread_local! {
    /// Bytes that this thread has allocated, less those that it has freed.
    static TALLY: Cell<isize> = const { Cell::new(0) };
}

fn tally(bytes: isize) {
    // A thread that is ending has lost it.
    let _ending = TALLY.try_with(|tally| tally.set(tally.get() + bytes));
}

// SAFETY: every block comes from and goes back to the inner allocator, which keeps the contract.
unsafe impl GlobalAlloc for Tallied {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: handed down.
        let block = unsafe { self.0.alloc(layout) };
        if !block.is_null() {
            tally(layout.size().cast_signed());
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        tally(-layout.size().cast_signed());
        // SAFETY: handed down.
        unsafe { self.0.dealloc(block, layout) };
    }
}

#[global_allocator]
static POOL: Tallied = Tallied(Counting::new(System));

/// The host, all of whose threads are system worker threads.
struct AllWorkers(Host);

impl Platform for AllWorkers {
    fn current_thread(&self) -> usize {
        self.0.current_thread()
    }
    fn is_system_worker(&self) -> bool {
        true
    }
    fn violation(&self, routine: &'static str, rule: Rule) {
        panic!("{routine}: {rule:?}");
    }
    unsafe fn map(&self, mdl: *mut Mdl) -> Option<NonNull<u8>> {
        // SAFETY: handed down.
        unsafe { self.0.map(mdl) }
    }
    fn allocate_irp(&self, stack_size: i8, charge_quota: bool, mdl: *mut Mdl) -> *mut Irp {
        self.0.allocate_irp(stack_size, charge_quota, mdl)
    }
    unsafe fn free_irp(&self, irp: *mut Irp) {
        // SAFETY: handed down.
        unsafe { self.0.free_irp(irp) };
    }
    unsafe fn reference_device(&self, device: *mut c_void) -> Result<(), AllocError> {
        // SAFETY: handed down.
        unsafe { self.0.reference_device(device) }
    }
    unsafe fn dereference_device(&self, device: *mut c_void) {
        // SAFETY: handed down.
        unsafe { self.0.dereference_device(device) };
    }
}

/// Everything that a routine may need, at a place that stays: as much of it built as `built` says.
struct Scene {
    runtime: Runtime,
    _listener: Listener,
    built: usize,
    transport: RxceTransport,
    address: RxceAddress,
    connection: RxceConnection,
    vc: RxceVc,
    second: RxceVc,
    other: RxceConnection,
    completion: CompletionContext,
    remote: [u8; tdi::WRITTEN],
    information: TdiConnectionInformation,
    data: [u8; 64],
    mdl: Mdl,
    units: Vec<u16>,
    name: UnicodeString,
}

const ADDRESS_HANDLER: AddressHandler = AddressHandler {
    error: None,
    receive_datagram: None,
    data_ready: None,
    send_possible: None,
    send_complete: None,
};

const HANDLER: ConnectionHandler = ConnectionHandler {
    disconnect: None,
    error: None,
    receive: None,
    receive_datagram: None,
    receive_expedited: None,
    send_possible: None,
    data_ready: None,
    send_complete: None,
    send_submitted: None,
};

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

impl Scene {
    /// On `device`, with nothing built, transport, address, connection and circuit: 0 to 3.
    fn new(device: &str, built: usize) -> Box<Scene> {
        let runtime = Runtime::simulated(1).unwrap();
        let network = Network::new(&runtime).unwrap();
        let listener = network.listen(at(1)).unwrap();
        start(Parts {
            runtime: runtime.clone(),
            threads: 1,
            provider: Box::new(Over::new(network, Some([2; 6]))),
            platform: Box::new(AllWorkers(Host::default())),
            connect_timeout: Duration::from_secs(5),
        })
        .unwrap();
        let units: Vec<u16> = device.encode_utf16().collect();
        // SAFETY: zero is a value of each of the C structures.
        let (transport, address, connection, other) = unsafe { zeroed() };
        // SAFETY: as above.
        let (vc, second, completion, information, mdl, name) = unsafe { zeroed() };
        let mut scene = Box::new(Scene {
            runtime,
            _listener: listener,
            built: 0,
            transport,
            address,
            connection,
            vc,
            second,
            other,
            completion,
            remote: tdi::write(at(1)).0,
            information,
            data: [7; 64],
            mdl,
            units,
            name,
        });
        wipe(&mut scene.transport);
        wipe(&mut scene.address);
        wipe(&mut scene.connection);
        wipe(&mut scene.other);
        wipe(&mut scene.vc);
        wipe(&mut scene.second);
        let length = (scene.units.len() * 2) as u16;
        scene.name = UnicodeString {
            length,
            maximum_length: length,
            buffer: scene.units.as_mut_ptr(),
        };
        scene.information.remote_address_length = tdi::write(at(1)).1 as i32;
        scene.information.remote_address = scene.remote.as_mut_ptr().cast();
        let data = scene.data.as_mut_ptr().cast();
        // SAFETY: both are in the scene, which does not move.
        unsafe { RxCeHostInitializeMdl(&raw mut scene.mdl, data, 64) };
        scene.completion.connection = &raw mut scene.other;
        scene.completion.vc = &raw mut scene.second;
        for routine in [
            build_transport as fn(&mut Scene) -> i32,
            build_address,
            build_connection,
        ]
        .into_iter()
        .take(built)
        {
            assert_eq!(routine(&mut scene), 0);
            scene.built += 1;
        }
        // The receive pump waits for bytes from here on.
        scene.runtime.run_until_stalled();
        scene
    }

    /// Tears down whatever is built, and stops the engine.
    fn end(mut self: Box<Self>) {
        for vc in [&raw mut self.second, &raw mut self.vc] {
            // SAFETY: the scene's own.
            let _not_built = unsafe { RxCeTearDownVC(vc) };
        }
        for connection in [&raw mut self.other, &raw mut self.connection] {
            // SAFETY: the scene's own.
            let _not_built = unsafe { RxCeTearDownConnection(connection) };
        }
        // SAFETY: the scene's own.
        let _not_built = unsafe { RxCeTearDownAddress(&raw mut self.address) };
        // SAFETY: the scene's own.
        assert_eq!(unsafe { RxCeTearDownTransport(&raw mut self.transport) }, 0);
        stop().unwrap();
        self.runtime.run_until_stalled();
        assert_eq!(self.runtime.live_tasks(), 0);
        self.runtime.shutdown();
    }
}

fn build_transport(scene: &mut Scene) -> i32 {
    // SAFETY: the scene's own.
    unsafe { RxCeBuildTransport(&raw mut scene.transport, &raw const scene.name, 1) }
}

fn build_address(scene: &mut Scene) -> i32 {
    let any = tdi::write(SocketAddr::from(([0, 0, 0, 0], 0))).0;
    let context = ptr::null_mut();
    // SAFETY: the scene's own, or copied.
    unsafe {
        RxCeBuildAddress(
            &raw mut scene.address,
            &raw mut scene.transport,
            any.as_ptr(),
            &raw const ADDRESS_HANDLER_PLACE,
            context,
        )
    }
}

static ADDRESS_HANDLER_PLACE: AddressHandler = ADDRESS_HANDLER;
static HANDLER_PLACE: ConnectionHandler = HANDLER;

fn build_connection(scene: &mut Scene) -> i32 {
    // SAFETY: the scene's own, or copied.
    unsafe {
        RxCeBuildConnection(
            &raw mut scene.address,
            &raw const scene.information,
            &raw const HANDLER_PLACE,
            ptr::null_mut(),
            &raw mut scene.connection,
            &raw mut scene.vc,
        )
    }
}

fn build_over_multiple(scene: &mut Scene) -> i32 {
    race(scene, None)
}

unsafe extern "system" fn completed(_: *mut CompletionContext) -> i32 {
    0
}

fn build_over_multiple_later(scene: &mut Scene) -> i32 {
    let status = race(scene, Some(completed));
    if status != ntstatus(Status::PENDING) {
        return status;
    }
    scene.runtime.run_until_stalled();
    scene.runtime.advance(Duration::from_secs(10));
    scene.completion.status
}

fn race(scene: &mut Scene, routine: Option<CompletionRoutine>) -> i32 {
    let addresses = [&raw mut scene.address, ptr::null_mut(), &raw mut scene.address];
    let device = ptr::from_mut(scene).cast();
    // SAFETY: the scene's own, or copied.
    unsafe {
        RxCeBuildConnectionOverMultipleTransports(
            device,
            1,
            3,
            addresses.as_ptr(),
            &raw const scene.name,
            &raw const scene.information,
            &raw const HANDLER_PLACE,
            ptr::null_mut(),
            routine,
            &raw mut scene.completion,
        )
    }
}

fn build_vc(scene: &mut Scene) -> i32 {
    // SAFETY: the scene's own.
    unsafe { RxCeBuildVC(&raw mut scene.second, &raw mut scene.connection) }
}

fn send(scene: &mut Scene, options: u32) -> i32 {
    // SAFETY: the scene's own.
    unsafe {
        RxCeSend(
            &raw mut scene.vc,
            options,
            &raw mut scene.mdl,
            64,
            ptr::null_mut(),
        )
    }
}

fn send_datagram(scene: &mut Scene) -> i32 {
    let (address, information) = (&raw mut scene.address, &raw const scene.information);
    // SAFETY: the scene's own.
    let status =
        unsafe { RxCeSendDatagram(address, information, 0, &raw mut scene.mdl, 64, ptr::null_mut()) };
    scene.runtime.run_until_stalled();
    status
}

fn tear_down_address(scene: &mut Scene) -> i32 {
    // SAFETY: the scene's own.
    unsafe { RxCeTearDownAddress(&raw mut scene.address) }
}

fn query(scene: &mut Scene) -> i32 {
    let mut answer = [0_u64; 16];
    for class in 1..=4 {
        let room = size_of_val(&answer) as u32;
        let vc = &raw mut scene.vc;
        // SAFETY: the scene's own; room as it says.
        let status = unsafe { RxCeQueryInformation(vc, class, answer.as_mut_ptr().cast(), room) };
        if status != 0 {
            return status;
        }
    }
    let mut information = MaybeUninit::<RxceTransportInformation>::uninit();
    let transport = &raw mut scene.transport;
    // SAFETY: the scene's own; room for the answer.
    let status = unsafe { RxCeQueryTransportInformation(transport, information.as_mut_ptr()) };
    if status != 0 {
        return status;
    }
    let mut adapter = MaybeUninit::<AdapterStatus>::uninit();
    // SAFETY: as above.
    unsafe { RxCeQueryAdapterStatus(transport, adapter.as_mut_ptr()) }
}

fn irp(scene: &mut Scene) -> i32 {
    // SAFETY: the scene's own.
    let irp = unsafe { RxCeAllocateIrpWithMDL(2, 0, &raw mut scene.mdl) };
    if irp.is_null() {
        return ntstatus(Status::INSUFFICIENT_RESOURCES);
    }
    // SAFETY: allocated just now.
    unsafe { RxCeFreeIrp(irp) };
    0
}

fn disconnect(scene: &mut Scene) -> i32 {
    // SAFETY: the scene's own.
    unsafe { RxCeInitiateVCDisconnect(&raw mut scene.vc) }
}

fn tear_down(scene: &mut Scene) -> i32 {
    let (vc, connection) = (&raw mut scene.vc, &raw mut scene.connection);
    let (address, transport) = (&raw mut scene.address, &raw mut scene.transport);
    // SAFETY: the scene's own.
    let first = unsafe { RxCeTearDownVC(vc) };
    // SAFETY: the scene's own.
    let second = unsafe { RxCeTearDownConnection(connection) };
    // SAFETY: the scene's own.
    let third = unsafe { RxCeTearDownAddress(address) };
    // SAFETY: the scene's own.
    let last = unsafe { RxCeTearDownTransport(transport) };
    first | second | third | last
}

/// Zeroes a structure of C's whole, padding included, which a move need not copy.
fn wipe<T>(value: &mut T) {
    // SAFETY: it is there, and zero is a value of each of the C structures.
    unsafe { ptr::write_bytes(value, 0, 1) };
}

fn is_zero<T>(value: &T) -> bool {
    // SAFETY: all bytes have been written: by `wipe`, and by the engine's routines, which write whole structures or zero them.
    let bytes = unsafe { core::slice::from_raw_parts(ptr::from_ref(value).cast::<u8>(), size_of::<T>()) };
    bytes.iter().all(|&byte| byte == 0)
}

/// What must be uninitialised when the routine has failed.
fn nothing(_: &Scene) -> bool {
    true
}

type Routine = fn(&mut Scene) -> i32;

struct Swept {
    name: &'static str,
    device: &'static str,
    built: usize,
    routine: Routine,
    uninitialised: fn(&Scene) -> bool,
    /// It has no excuse: it waits for memory, or needs none.
    must_succeed: bool,
}

const TCP: &str = r"\Device\Tcp";
const UDP: &str = r"\Device\Udp";

const ROUTINES: [Swept; 15] = [
    Swept {
        name: "RxCeBuildTransport",
        device: TCP,
        built: 0,
        routine: build_transport,
        uninitialised: |scene| is_zero(&scene.transport),
        must_succeed: false,
    },
    Swept {
        name: "RxCeBuildAddress",
        device: TCP,
        built: 1,
        routine: build_address,
        uninitialised: |scene| is_zero(&scene.address),
        must_succeed: false,
    },
    Swept {
        name: "RxCeBuildConnection",
        device: TCP,
        built: 2,
        routine: build_connection,
        uninitialised: |scene| is_zero(&scene.connection) && is_zero(&scene.vc),
        must_succeed: false,
    },
    Swept {
        name: "RxCeBuildConnectionOverMultipleTransports",
        device: TCP,
        built: 2,
        routine: build_over_multiple,
        uninitialised: |scene| is_zero(&scene.other) && is_zero(&scene.second),
        must_succeed: false,
    },
    Swept {
        name: "RxCeBuildConnectionOverMultipleTransports, completed later",
        device: TCP,
        built: 2,
        routine: build_over_multiple_later,
        uninitialised: |scene| is_zero(&scene.other) && is_zero(&scene.second),
        must_succeed: false,
    },
    Swept {
        name: "RxCeBuildVC",
        device: TCP,
        built: 3,
        routine: build_vc,
        uninitialised: |scene| is_zero(&scene.second) && !is_zero(&scene.vc),
        must_succeed: false,
    },
    Swept {
        name: "RxCeSend, asynchronous",
        device: TCP,
        built: 3,
        routine: |scene| send(scene, 0),
        uninitialised: nothing,
        must_succeed: false,
    },
    Swept {
        name: "RxCeSend, synchronous",
        device: TCP,
        built: 3,
        routine: |scene| send(scene, SEND_SYNCHRONOUS),
        uninitialised: nothing,
        must_succeed: false,
    },
    Swept {
        name: "RxCeQueryInformation, RxCeQueryTransportInformation, RxCeQueryAdapterStatus",
        device: TCP,
        built: 3,
        routine: query,
        uninitialised: nothing,
        must_succeed: true,
    },
    Swept {
        name: "RxCeAllocateIrpWithMDL, RxCeFreeIrp",
        device: TCP,
        built: 0,
        routine: irp,
        uninitialised: nothing,
        must_succeed: false,
    },
    Swept {
        name: "RxCeInitiateVCDisconnect",
        device: TCP,
        built: 3,
        routine: disconnect,
        uninitialised: nothing,
        must_succeed: true,
    },
    Swept {
        name: "RxCeTearDownVC, RxCeTearDownConnection, RxCeTearDownAddress, RxCeTearDownTransport",
        device: TCP,
        built: 3,
        routine: tear_down,
        uninitialised: nothing,
        must_succeed: true,
    },
    Swept {
        name: "RxCeBuildAddress, for datagrams",
        device: UDP,
        built: 1,
        routine: build_address,
        uninitialised: |scene| is_zero(&scene.address),
        must_succeed: false,
    },
    Swept {
        name: "RxCeSendDatagram",
        device: UDP,
        built: 2,
        routine: send_datagram,
        uninitialised: nothing,
        must_succeed: false,
    },
    Swept {
        name: "RxCeTearDownAddress, for datagrams",
        device: UDP,
        built: 2,
        routine: tear_down_address,
        uninitialised: nothing,
        must_succeed: true,
    },
];

/// One test alone: there is but one engine in a process.
#[test]
fn every_failed_allocation_is_reported_and_leaks_nothing() {
    Scene::new(TCP, 3).end();
    Scene::new(UDP, 2).end();
    let mut all = 0;
    for swept in &ROUTINES {
        let (mut reported, mut survived) = (0, 0);
        for number in 0.. {
            let before = TALLY.get();
            let mut scene = Scene::new(swept.device, swept.built);
            let (status, failed) = fail_nth(number, || (swept.routine)(&mut scene));
            let status = ddi::abi::status(status);
            match status {
                Status::SUCCESS if failed => survived += 1,
                Status::SUCCESS => {}
                Status::INSUFFICIENT_RESOURCES if failed && !swept.must_succeed => {
                    reported += 1;
                    assert!((swept.uninitialised)(&scene), "{} {number}", swept.name);
                }
                other => panic!("{}, allocation {number}: {other:?}", swept.name),
            }
            scene.end();
            assert_eq!(TALLY.get(), before, "{} {number}", swept.name);
            if !failed {
                break;
            }
        }
        println!("{}: {reported} reported, {survived} survived", swept.name);
        assert!(swept.must_succeed || reported > 0, "{}", swept.name);
        all += reported + survived;
    }
    println!("{all} allocations failed in turn");
}
