/*
 * rxce.c's checks of where routines may be called: every one of them, where it must not be.
 */
/* Every routine, as it may be called but for the place. How many refuse; nothing is checked here, as nothing may wait. */
static NTSTATUS NTAPI CallAll(PVOID Place)
{
    ALL *All = Place;
    RXCE_TRANSPORT Transport;
    RXCE_TRANSPORT_INFORMATION TransportInformation;
    ADAPTER_STATUS Adapter;
    TDI_PROVIDER_INFO Provider;
    RXCE_ADDRESS Address;
    RXCE_CONNECTION Connection;
    RXCE_VC Vc;
    RXCE_CONNECTION_COMPLETION_CONTEXT Context = {.pConnection = &Connection, .pVc = &Vc};
    PRXCE_ADDRESS Addresses[1] = {&All->Address};
    TA_IP_ADDRESS Any = Ip(0, 0), Echo = Ip(LOOPBACK, EchoPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Echo);
    RACE Race = {RxCeSelectFirstSuccessfulTransport, 1, Addresses, DEVICE_OBJECT_PLACE, &Tcp, &Information, &Handlers, NULL, &Context};
    char Data[] = "x";
    MDL Mdl = Describe(Data, 1);
    int Refused = 0;

#define IS_REFUSED(Call) (Refused += (Call) == STATUS_INVALID_PARAMETER)
    IS_REFUSED(RxCeBuildTransport(&Transport, &Tcp, 0));
    IS_REFUSED(RxCeQueryAdapterStatus(&All->Transport, &Adapter));
    IS_REFUSED(RxCeQueryTransportInformation(&All->Transport, &TransportInformation));
    IS_REFUSED(RxCeBuildAddress(&Address, &All->Transport, (PTRANSPORT_ADDRESS)&Any, &AddressHandlers, NULL));
    IS_REFUSED(BUILD(&All->Address, &Information, &Handlers, &Connection, &Vc));
    IS_REFUSED(RunRace(&Race));
    IS_REFUSED(RxCeBuildVC(&Vc, &All->Connection));
    IS_REFUSED(RxCeQueryInformation(&All->Vc, 1, &Provider, sizeof Provider));
    IS_REFUSED(RxCeSend(&All->Vc, 0, &Mdl, 1, NULL));
    IS_REFUSED(RxCeSendDatagram(&All->Address, &Information, 0, &Mdl, 1, NULL));
    IS_REFUSED(RxCeInitiateVCDisconnect(&All->Vc));
    IS_REFUSED(RxCeTearDownVC(&All->Vc));
    IS_REFUSED(RxCeTearDownConnection(&All->Connection));
    IS_REFUSED(RxCeTearDownAddress(&All->Address));
    IS_REFUSED(RxCeTearDownTransport(&All->Transport));
    Refused += RxCeAllocateIrpWithMDL(1, FALSE, &Mdl) == NULL;
    RxCeFreeIrp((PIRP)All); /* says nothing, but is counted as a violation */
    return Refused;
}

/* What must not be called in a handler, called in one: how many refuse. */
static NTSTATUS CallWhatWaits(PRXCE_VC Own)
{
    PRXCE_CONNECTION Parent = Own->pConnection;
    RXCE_ADDRESS Address;
    RXCE_CONNECTION Connection;
    RXCE_VC Vc;
    RXCE_CONNECTION_COMPLETION_CONTEXT Context = {.pConnection = &Connection, .pVc = &Vc};
    PRXCE_ADDRESS Addresses[1] = {Parent->pAddress};
    TA_IP_ADDRESS Any = Ip(0, 0), Echo = Ip(LOOPBACK, EchoPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Echo);
    RACE Race = {RxCeSelectFirstSuccessfulTransport, 1, Addresses, DEVICE_OBJECT_PLACE, &Tcp, &Information, &Handlers, NULL, &Context};
    char Data[] = "x";
    MDL Mdl = Describe(Data, 1);
    int Refused = 0;

    IS_REFUSED(RxCeBuildAddress(&Address, Parent->pAddress->pTransport, (PTRANSPORT_ADDRESS)&Any, &AddressHandlers, NULL));
    IS_REFUSED(BUILD(Parent->pAddress, &Information, &Handlers, &Connection, &Vc));
    IS_REFUSED(RunRace(&Race));
    IS_REFUSED(RxCeBuildVC(&Vc, Parent));
    IS_REFUSED(RxCeSend(Own, RXCE_SEND_SYNCHRONOUS, &Mdl, 1, NULL));
    IS_REFUSED(RxCeTearDownVC(Own));
    IS_REFUSED(RxCeTearDownAddress(Parent->pAddress));
    return Refused;
}

static NTSTATUS NTAPI OnReceiveCall(PVOID Context, PRXCE_VC Vc, ULONG Flags, ULONG Indicated, ULONG Available, ULONG *Taken,
                                    PVOID Tsdu, PMDL *Buffer, PULONG Size)
{
    EARS *Mine = Context;
    NTSTATUS Refused = CallWhatWaits(Vc);
    /* But a handler is as good as a worker thread. */
    NTSTATUS Disconnected = RxCeInitiateVCDisconnect(Vc);
    (void)Flags, (void)Available, (void)Tsdu, (void)Buffer, (void)Size;
    pthread_mutex_lock(&Mine->Lock);
    Mine->Inside = Refused;
    Mine->Completed = Disconnected;
    Mine->Receives++;
    *Taken = Indicated;
    Heard();
    return STATUS_SUCCESS;
}

static void Contexts(void)
{
    ALL All;
    ULONG Violations;
    RXCE_CONNECTION Connection;
    RXCE_VC Vc;
    TA_IP_ADDRESS Echo = Ip(LOOPBACK, EchoPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Echo);
    RXCE_CONNECTION_EVENT_HANDLER Table = Handlers;
    char Data[] = "x";
    MDL Mdl = Describe(Data, 1);

    BuildAll(&All);
    /* In a handler: seven that wait. */
    Forget();
    Violations = RxCeHostViolations();
    Table.RxCeReceiveEventHandler = OnReceiveCall;
    STATUS_IS(STATUS_SUCCESS, BUILD(&All.Address, &Information, &Table, &Connection, &Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &Mdl, 1, NULL));
    WAIT_FOR(Ears.Receives == 1);
    CHECK(Ears.Inside == 7 && RxCeHostViolations() == Violations + 7);
    CHECK(Ears.Completed == STATUS_SUCCESS && Vc.State == RXCE_VC_STATE_DISCONNECTED && Ears.Disconnects == 0);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));
    /* In a thread that is none of the system's: two. */
    Violations = RxCeHostViolations();
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeInitiateVCDisconnect(&All.Vc));
    {
        PRXCE_ADDRESS Addresses[1] = {&All.Address};
        RXCE_CONNECTION_COMPLETION_CONTEXT Context = {.pConnection = &Connection, .pVc = &Vc};
        RACE Race = {RxCeSelectFirstSuccessfulTransport, 1, Addresses, DEVICE_OBJECT_PLACE, &Tcp, &Information, &Handlers, NULL, &Context};
        STATUS_IS(STATUS_INVALID_PARAMETER, RunRace(&Race));
    }
    CHECK(RxCeHostViolations() == Violations + 2 && All.Vc.State == RXCE_VC_STATE_ACTIVE);
    TearDownAll(&All);
}

/* At DISPATCH_LEVEL: all. */
static void Levels(void)
{
    ALL All;
    ULONG Violations;

#ifdef RXCE_IN_DRIVER
    if (!RxCeHostHasIrql()) {
        Skipped++; /* as in Wine's kernel, which is always at PASSIVE_LEVEL */
        return;
    }
#endif
    BuildAll(&All);
    Violations = RxCeHostViolations();
    CHECK(RxCeHostRunAtDispatchLevel(CallAll, &All) == 16);
    CHECK(RxCeHostViolations() == Violations + 17);
    STATUS_IS(STATUS_NOT_IMPLEMENTED, RxCeHostRunAtDispatchLevel(CancelConnect, &All)); /* whatever the place */
    CHECK(RxCeHostViolations() == Violations + 17);
    TearDownAll(&All);
}
