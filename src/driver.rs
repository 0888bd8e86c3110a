//! The loaded driver: what DriverEntry builds and the unload routine takes apart.

mod gate;

use alloc::boxed::Box;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering;

use executive::mem::{Arc, try_box};
use executive::task::Runtime;
use nt::Name;
use wdk_sys::ntddk::KeDelayExecutionThread;
use wdk_sys::{DEVICE_OBJECT, DRIVER_OBJECT, LARGE_INTEGER};

use crate::device::{self, Device, Link};
use crate::fcb::FcbHeader;
use crate::mup::Mup;
use crate::platform::Redirector;
use crate::registry::Parameters;
use crate::wsk::Wsk;

pub(crate) use gate::{Pass, UnloadGate};

/// Threads that poll the driver's tasks. Tasks wait for the network, not for processors.
const RUNTIME_THREADS: usize = 2;

/// Everything the driver has, reached from its device object.
///
/// The fields are dropped in this order, each after what uses it: nobody finds the device any more, then the redirector
/// lets go of its sockets, then WSK and the runtime, whose tasks have all ended by then.
pub(crate) struct Driver {
    _link: Link,
    redirector: Redirector,
    gate: Arc<UnloadGate>,
    control_header: FcbHeader,
    #[cfg(feature = "selftest")]
    table: Arc<crate::selftest::Table>,
    parameters: Parameters,
    #[cfg_attr(
        not(feature = "selftest"),
        expect(dead_code, reason = "dropping it is what counts")
    )]
    transport: Registration,
    runtime: RunningRuntime,
    device: Device,
}

impl Driver {
    /// Builds all of it; whatever was built before a step that fails is undone. IRQL = PASSIVE_LEVEL, in DriverEntry.
    ///
    /// # Errors
    /// Those of the steps.
    pub(crate) fn start(object: NonNull<DRIVER_OBJECT>, service_key: Name<'_>) -> nt::Result<Box<Self>> {
        let parameters = Parameters::read(service_key)?;
        let mup = parameters.provide_unc.then(Mup::find).flatten();
        if parameters.provide_unc && mup.is_none() {
            wdk::println!("mrx9p: this kernel has no providers of UNC names, only drives are served");
        }
        let device = Device::create(object, mup)?;
        let runtime = RunningRuntime(Runtime::start(RUNTIME_THREADS)?);
        let transport = Registration(Wsk::register()?);
        let redirector = Redirector::new(transport.0.clone(), runtime.0.clone(), parameters.settings)?;
        Ok(try_box(Self {
            // DO_DEVICE_INITIALIZING keeps everybody out until DriverEntry returns.
            _link: Link::create()?,
            redirector,
            gate: Arc::try_new(UnloadGate::new(object)?)?,
            control_header: FcbHeader::new()?,
            #[cfg(feature = "selftest")]
            table: Arc::try_new(crate::selftest::Table::new())?,
            parameters,
            transport,
            runtime,
            device,
        })?)
    }

    /// Lets the device's requests find the driver, which is the device's until [`Self::take`].
    pub(crate) fn publish(self: Box<Self>) {
        let driver = NonNull::from(Box::leak(self));
        // SAFETY: leaked just now, hence live.
        unsafe { driver.as_ref() }
            .device
            .set_context(driver.as_ptr().cast());
    }

    /// Takes back what [`Self::publish`] gave away.
    ///
    /// # Safety
    /// `device` is a live device of this driver; no request is on it, and none comes any more.
    pub(crate) unsafe fn take(device: *mut DEVICE_OBJECT) -> Option<Box<Self>> {
        // SAFETY: the caller's word.
        let context = unsafe { device::context_of(device) };
        let driver = NonNull::new(context.swap(ptr::null_mut(), Ordering::Acquire))?;
        // SAFETY: `publish` leaked this box; the swap makes it ours, and nobody else refers to it (the caller's word).
        Some(unsafe { Box::from_raw(driver.as_ptr().cast()) })
    }

    /// The driver that `device` belongs to, once it is wholly there.
    ///
    /// # Safety
    /// `device` is a live device of this driver, and the driver does not unload during `'a`: it cannot while a request
    /// for its device is being dispatched.
    pub(crate) unsafe fn of<'a>(device: *mut DEVICE_OBJECT) -> Option<&'a Self> {
        // SAFETY: the caller's word.
        let context = unsafe { device::context_of(device) };
        let driver = NonNull::new(context.load(Ordering::Acquire))?.cast::<Self>();
        // SAFETY: `publish` put the driver there, where it stays until `take`.
        Some(unsafe { driver.as_ref() })
    }

    /// Takes everything apart; when it returns, no code of the driver runs but the caller's. IRQL = PASSIVE_LEVEL.
    ///
    /// No handle is open on the device: the I/O manager sees to that. Mappings are left only when the driver is unloaded
    /// in spite of [`UnloadGate`]; they go by force.
    pub(crate) fn stop(self) {
        self.redirector.shut_down();
        // Dropping `self` does the rest.
    }

    pub(crate) fn redirector(&self) -> &Redirector {
        &self.redirector
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime.0
    }

    /// The transport below the redirector.
    #[cfg(feature = "selftest")]
    pub(crate) fn transport(&self) -> &Wsk {
        &self.transport.0
    }

    /// The objects that self tests have made.
    #[cfg(feature = "selftest")]
    pub(crate) fn table(&self) -> Arc<crate::selftest::Table> {
        self.table.clone()
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What control handles have for an FCB.
    pub(crate) fn control_header(&self) -> &FcbHeader {
        &self.control_header
    }

    pub(crate) fn gate(&self) -> Arc<UnloadGate> {
        self.gate.clone()
    }
}

/// Does on the calling thread what must be done, whatever happens. Only the memory for waiting can be missing, and that
/// is tried again until it is there. IRQL <= APC_LEVEL.
///
/// Not inlined: it is hardly ever called, and its futures would take room on the stacks of those who do not call it.
#[cold]
#[inline(never)]
pub(crate) fn wait_for<Fut: Future<Output = ()>>(runtime: &Runtime, work: impl Fn() -> Fut) {
    /// 10 ms, relative, in units of 100 ns.
    const PAUSE: i64 = -100_000;
    while runtime.block_on(work()).is_err() {
        let mut pause = LARGE_INTEGER { QuadPart: PAUSE };
        // SAFETY: KernelMode, not alertable; the interval outlives the call. IRQL <= APC_LEVEL.
        let _ = unsafe { KeDelayExecutionThread(0, 0, &raw mut pause) };
    }
}

/// The runtime, shut down when dropped.
struct RunningRuntime(Runtime);

impl Drop for RunningRuntime {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

/// The registration with WSK, given up when dropped.
struct Registration(Wsk);

impl Drop for Registration {
    fn drop(&mut self) {
        self.0.deregister();
    }
}
