/*
 * A C program that uses every routine of rxce.h and checks every status that it may answer, but for want of memory.
 * Arguments: the ports of TCP servers on 127.0.0.1 that echo, close after one byte, reset after four, take nothing until
 * there is a second connection; and a port that refuses. Prints one line for each check.
 */
#include "rxcehost.h"

#include "check.h"
#include "page.h"
#include "rxce_ears.h"

/* ------------------------------------------------------------------ transports */
static void Transports(void)
{
    RXCE_TRANSPORT Transport, Second;
    RXCE_TRANSPORT_INFORMATION Information;
    ADAPTER_STATUS Adapter;
    UNICODE_STRING Bad = Tcp;
    WCHAR Name[sizeof TcpUnits / 2];
    UNICODE_STRING Mine = {sizeof Name, sizeof Name, Name};

    memset(&Transport, 0x5A, sizeof Transport);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport(NULL, &Tcp, 7));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport(&Transport, NULL, 7));
    ZEROED(Transport);
    Bad.Buffer = NULL;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport(&Transport, &Bad, 7));
    Bad = Tcp, Bad.Length = 7;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport(&Transport, &Bad, 7));
    Bad = Tcp, Bad.Length = 0;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport(&Transport, &Bad, 7));
    Bad = Tcp, Bad.MaximumLength = 4;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport(&Transport, &Bad, 7));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport(&Transport, &Other, 7));
    ZEROED(Transport);

    memcpy(Name, TcpUnits, sizeof Name);
    STATUS_IS(STATUS_SUCCESS, RxCeBuildTransport(&Transport, &Mine, 7));
    memset(Name, 0, sizeof Name); /* a copy was taken */
    CHECK(Transport.Signature.Word == RXCE_TRANSPORT_SIGNATURE);
    CHECK(Transport.Signature.Node.Type == RXCE_TRANSPORT_NODE_TYPE);
    CHECK(Transport.Signature.Node.Size == sizeof Transport);
    CHECK(Transport.Name.Length == sizeof TcpUnits);
    CHECK(memcmp(Transport.Name.Buffer, TcpUnits, sizeof TcpUnits) == 0);
    CHECK(Transport.pProviderInfo->ServiceFlags & TDI_SERVICE_CONNECTION_MODE);
    CHECK(Transport.QualityOfService == 7);
    CHECK(Transport.ConnectionCount == 0 && Transport.VirtualCircuitCount == 0);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport(&Transport, &Tcp, 9)); /* in use */
    CHECK(Transport.QualityOfService == 7);

    STATUS_IS(STATUS_SUCCESS, RxCeQueryTransportInformation(&Transport, &Information));
    CHECK(Information.ConnectionCount == 0 && Information.QualityOfService == 7);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryTransportInformation(NULL, &Information));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryTransportInformation(&Transport, NULL));
    STATUS_IS(STATUS_SUCCESS, RxCeQueryAdapterStatus(&Transport, &Adapter));
    CHECK(memcmp(Adapter.adapter_address, "\2\0\0\0\0\7", 6) == 0);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryAdapterStatus(NULL, &Adapter));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryAdapterStatus(&Transport, NULL));

    Second = Transport; /* a copy is nothing */
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryTransportInformation(&Second, &Information));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Second));
    Transport.Signature.Word ^= 1;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryTransportInformation(&Transport, &Information));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownTransport(&Transport));
    Transport.Signature.Word ^= 1;
    STATUS_IS(STATUS_CONNECTION_IN_USE, RxCeHostUninitialize());
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Transport));
    ZEROED(Transport);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Transport)); /* never bound: fine */
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownTransport(NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryTransportInformation(&Transport, &Information));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryAdapterStatus(&Transport, &Adapter));
}

/* ------------------------------------------------------------------ addresses */
static void Addresses(void)
{
    RXCE_TRANSPORT Transport, Copy;
    RXCE_ADDRESS Address;
    TA_IP_ADDRESS Any = Ip(0, 0), Bad;
    TA_IP6_ADDRESS Any6;
    PTRANSPORT_ADDRESS List = (PTRANSPORT_ADDRESS)&Any;

    memset(&Any6, 0, sizeof Any6);
    Any6.TAAddressCount = 1;
    Any6.Address[0].AddressLength = TDI_ADDRESS_LENGTH_IP6;
    Any6.Address[0].AddressType = TDI_ADDRESS_TYPE_IP6;
    STATUS_IS(STATUS_SUCCESS, RxCeBuildTransport(&Transport, &Tcp, 0));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(NULL, &Transport, List, &AddressHandlers, &Ears));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, NULL, List, &AddressHandlers, &Ears));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, &Transport, NULL, &AddressHandlers, &Ears));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, &Transport, List, NULL, &Ears));
    ZEROED(Address);
    Copy = Transport; /* foreign parent */
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, &Copy, List, &AddressHandlers, &Ears));
    Bad = Any, Bad.TAAddressCount = 0;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, &Transport, (PTRANSPORT_ADDRESS)&Bad, &AddressHandlers, &Ears));
    Bad = Any, Bad.TAAddressCount = -1;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, &Transport, (PTRANSPORT_ADDRESS)&Bad, &AddressHandlers, &Ears));
    Bad = Any, Bad.Address[0].AddressLength = 6;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, &Transport, (PTRANSPORT_ADDRESS)&Bad, &AddressHandlers, &Ears));
    Bad = Any, Bad.Address[0].AddressType = 17; /* NetBIOS */
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, &Transport, (PTRANSPORT_ADDRESS)&Bad, &AddressHandlers, &Ears));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, &Transport, (PTRANSPORT_ADDRESS)&Any6, &AddressHandlers, &Ears));
    ZEROED(Address);

    STATUS_IS(STATUS_SUCCESS, RxCeBuildAddress(&Address, &Transport, List, &AddressHandlers, &Ears));
    CHECK(Address.Signature.Word == RXCE_ADDRESS_SIGNATURE);
    CHECK(Address.pTransport == &Transport && Address.pContext == &Ears);
    CHECK((void *)Address.pTransportAddress != (void *)&Any && memcmp(Address.pTransportAddress, &Any, sizeof Any) == 0);
    CHECK(Address.pHandler != &AddressHandlers && memcmp(Address.pHandler, &AddressHandlers, sizeof AddressHandlers) == 0);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, &Transport, List, &AddressHandlers, &Ears));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownTransport((PRXCE_TRANSPORT)&Address)); /* another kind */
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownTransport(&Transport));               /* has a child */
    Address.Signature.Word = 0;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownAddress(&Address));
    Address.Signature.Word = RXCE_ADDRESS_SIGNATURE;
    Address.pTransport = &Copy;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownAddress(&Address));
    Address.pTransport = &Transport;
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownAddress(&Address));
    ZEROED(Address);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownAddress(&Address));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownAddress(NULL));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Transport));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, &Transport, List, &AddressHandlers, &Ears));
    STATUS_IS(STATUS_SUCCESS, RxCeBuildTransport(&Transport, &Tcp6, 0));
    STATUS_IS(STATUS_SUCCESS, RxCeBuildAddress(&Address, &Transport, (PTRANSPORT_ADDRESS)&Any6, &AddressHandlers, &Ears));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownAddress(&Address));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Transport));
}

/* ------------------------------------------------------------------ a place to connect from */
typedef struct _HOME {
    RXCE_TRANSPORT Transport;
    RXCE_ADDRESS Address;
} HOME;

static void MoveIn(HOME *Home, PUNICODE_STRING Device)
{
    TA_IP_ADDRESS Local = Ip(Device == &Udp ? LOOPBACK : 0, 0);
    STATUS_IS(STATUS_SUCCESS, RxCeBuildTransport(&Home->Transport, Device, 1));
    STATUS_IS(STATUS_SUCCESS, RxCeBuildAddress(&Home->Address, &Home->Transport, (PTRANSPORT_ADDRESS)&Local, &AddressHandlers, &Ears));
}

static void MoveOut(HOME *Home)
{
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownAddress(&Home->Address));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Home->Transport));
}

static NTSTATUS NTAPI InitiateDisconnect(PVOID Vc)
{
    return RxCeInitiateVCDisconnect(Vc);
}

static NTSTATUS NTAPI CancelConnect(PVOID All)
{
    (void)All;
    return RxCeCancelConnectRequest(NULL, NULL, NULL);
}

/* ------------------------------------------------------------------ connections and circuits */
static void Connections(void)
{
    HOME Home;
    RXCE_CONNECTION Connection;
    RXCE_VC Vc, Second;
    TA_IP_ADDRESS Echo = Ip(LOOPBACK, EchoPort), Refused = Ip(LOOPBACK, RefusedPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Echo), Bad;
    RXCE_CONNECTION_EVENT_HANDLER Table = Handlers;
    char Data[] = "hello", Again[] = "again";
    RXCE_ADDRESS Foreign;
    ULONG Violations;

    Forget();
    MoveIn(&Home, &Tcp);
    Foreign = Home.Address;
#define BUILD(Address, Info, Handler, Conn, Circuit) RxCeBuildConnection(Address, Info, Handler, &Ears, Conn, Circuit)
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(NULL, &Information, &Table, &Connection, &Vc));
    ZEROED(Connection);
    ZEROED(Vc);
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Foreign, &Information, &Table, &Connection, &Vc));
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, NULL, &Table, &Connection, &Vc));
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, &Information, NULL, &Connection, &Vc));
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, &Information, &Table, NULL, &Vc));
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, &Information, &Table, &Connection, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, &Information, &Table, (PRXCE_CONNECTION)&Home.Address, &Vc));
    Bad = Information, Bad.RemoteAddress = NULL;
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, &Bad, &Table, &Connection, &Vc));
    Bad = Information, Bad.RemoteAddressLength = 12;
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, &Bad, &Table, &Connection, &Vc));
    Bad = Information, Bad.RemoteAddressLength = -1;
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, &Bad, &Table, &Connection, &Vc));
    Bad = Information, Bad.OptionsLength = 4;
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, &Bad, &Table, &Connection, &Vc));
    Bad = To(&Refused);
    STATUS_IS(STATUS_CONNECTION_REFUSED, BUILD(&Home.Address, &Bad, &Table, &Connection, &Vc));
    ZEROED(Connection);
    ZEROED(Vc);
    CHECK(Home.Address.ConnectionCount == 0 && Home.Transport.VirtualCircuitCount == 0);

    Information.UserData = "user", Information.UserDataLength = 4;
    STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Table, &Connection, &Vc));
    memset(&Table, 0, sizeof Table); /* copies were taken */
    CHECK(Connection.Signature.Word == RXCE_CONNECTION_SIGNATURE && Vc.Signature.Word == RXCE_VC_SIGNATURE);
    CHECK(Connection.pAddress == &Home.Address && Connection.pContext == &Ears);
    CHECK(Connection.pHandler->RxCeReceiveEventHandler == OnReceive);
    CHECK(memcmp(Connection.pConnectionInformation->UserData, "user", 4) == 0);
    CHECK(Connection.pConnectionInformation->RemoteAddress != Information.RemoteAddress);
    CHECK(Vc.pConnection == &Connection && Vc.State == RXCE_VC_STATE_ACTIVE && Vc.ConnectionId == &Vc);
    CHECK(Connection.VirtualCircuitCount == 1 && Home.Address.ConnectionCount == 1 && Home.Address.VirtualCircuitCount == 1);
    CHECK(Home.Transport.ConnectionCount == 1 && Home.Transport.VirtualCircuitCount == 1);
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Second));
    STATUS_IS(STATUS_NOT_IMPLEMENTED, RxCeCancelConnectRequest(&Home.Address, &Tcp, &Information));
    STATUS_IS(STATUS_NOT_IMPLEMENTED, RxCeCancelConnectRequest(NULL, NULL, NULL));

    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildVC(NULL, &Connection));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildVC(&Second, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildVC(&Vc, &Connection));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildVC(&Second, (PRXCE_CONNECTION)&Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeBuildVC(&Second, &Connection));
    CHECK(Second.State == RXCE_VC_STATE_ACTIVE && Connection.VirtualCircuitCount == 2);
    CHECK(Home.Address.ConnectionCount == 1 && Home.Transport.VirtualCircuitCount == 2);

    /* Sends on both, and what comes back. */
    {
        MDL Mdl = Describe(Data, 5), Other = Describe(Again, 5);
        STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &Mdl, 5, NULL));
        WAIT_FOR(Ears.Received == 5);
        CHECK(memcmp(Ears.Bytes, "hello", 5) == 0 && Ears.LastVc == &Vc && Ears.Completes == 0);
        Forget();
        STATUS_IS(STATUS_SUCCESS, RxCeSend(&Second, 0, &Other, 5, &Other));
        WAIT_FOR(Ears.Received == 5 && Ears.Completes == 1);
        CHECK(Ears.Completed == STATUS_SUCCESS && Ears.CompletedContext == &Other && Ears.Submits == 1);
        CHECK(Ears.LastVc == &Second);
    }

    /* Parents stay; damaged structures are noticed. */
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownConnection(&Connection));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownAddress(&Home.Address));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownTransport(&Home.Transport));
    CHECK(Home.Address.ConnectionCount == 1 && Home.Transport.ConnectionCount == 1);
    Vc.Signature.Word--;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownVC(&Vc));
    Vc.Signature.Word++;
    Vc.pConnection = NULL;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownVC(&Vc));
    Vc.pConnection = &Connection;
    Connection.pAddress = &Foreign;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownVC(&Vc));
    Connection.pAddress = &Home.Address;

    /* Disconnecting: in a worker thread, and nobody is told of it. */
    Forget();
    Violations = RxCeHostViolations();
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeInitiateVCDisconnect(&Vc));
    CHECK(RxCeHostViolations() == Violations + 1 && Vc.State == RXCE_VC_STATE_ACTIVE);
    STATUS_IS(STATUS_SUCCESS, RxCeHostRunInWorkerThread(InitiateDisconnect, &Vc));
    CHECK(Vc.State == RXCE_VC_STATE_DISCONNECTED);
    STATUS_IS(STATUS_SUCCESS, RxCeHostRunInWorkerThread(InitiateDisconnect, &Vc));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeHostRunInWorkerThread(InitiateDisconnect, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeHostRunInWorkerThread(InitiateDisconnect, &Connection));
    {
        MDL Mdl = Describe(Data, 5);
        STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend(&Vc, 0, &Mdl, 5, NULL));
        STATUS_IS(STATUS_SUCCESS, RxCeSend(&Second, RXCE_SEND_SYNCHRONOUS, &Mdl, 5, NULL));
    }
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
    ZEROED(Vc);
    CHECK(Connection.VirtualCircuitCount == 1 && Home.Transport.VirtualCircuitCount == 1);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownVC(&Vc));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownVC(NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeHostRunInWorkerThread(InitiateDisconnect, &Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Second));
    CHECK(Ears.Disconnects == 0 && Ears.Errors == 0);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownConnection(NULL));
    Connection.Signature.Word = 1;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownConnection(&Connection));
    Connection.Signature.Word = RXCE_CONNECTION_SIGNATURE;
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));
    ZEROED(Connection);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownConnection(&Connection));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildVC(&Second, &Connection));
    CHECK(Home.Address.ConnectionCount == 0 && Home.Transport.ConnectionCount == 0);
    MoveOut(&Home);
}

#include "rxce_traffic.h"

/* ------------------------------------------------------------------ IRPs */
static void Irps(void)
{
    char Data[4];
    MDL Mdl = Describe(Data, 4);
    PIRP Irp = RxCeAllocateIrpWithMDL(3, FALSE, &Mdl), Plain = RxCeAllocateIrpWithMDL(1, TRUE, NULL);
    IRP Foreign = {0};

    CHECK(Irp != NULL && Irp->Type == 6 && Irp->Size > sizeof(IRP) && Irp->MdlAddress == &Mdl);
    CHECK(Plain != NULL && Plain->MdlAddress == NULL && Plain->Size < Irp->Size);
    CHECK(RxCeAllocateIrpWithMDL(0, FALSE, &Mdl) == NULL);
    CHECK(RxCeAllocateIrpWithMDL(-1, FALSE, &Mdl) == NULL);
    STATUS_IS(STATUS_CONNECTION_IN_USE, RxCeHostUninitialize()); /* they are on the list */
    RxCeFreeIrp(Irp);
    RxCeFreeIrp(Plain);
    RxCeFreeIrp(Plain); /* again: not on the list any more */
    RxCeFreeIrp(NULL);
    RxCeFreeIrp(&Foreign);
}

/* ------------------------------------------------------------------ pointers to nothing, and to other things */
typedef struct _ALL {
    RXCE_TRANSPORT Transport;
    RXCE_ADDRESS Address;
    RXCE_CONNECTION Connection;
    RXCE_VC Vc;
} ALL;

static void BuildAll(ALL *All)
{
    TA_IP_ADDRESS Any = Ip(0, 0), Echo = Ip(LOOPBACK, EchoPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Echo);
    STATUS_IS(STATUS_SUCCESS, RxCeBuildTransport(&All->Transport, &Tcp, 0));
    STATUS_IS(STATUS_SUCCESS, RxCeBuildAddress(&All->Address, &All->Transport, (PTRANSPORT_ADDRESS)&Any, &AddressHandlers, &Ears));
    STATUS_IS(STATUS_SUCCESS, BUILD(&All->Address, &Information, &Handlers, &All->Connection, &All->Vc));
}

static void TearDownAll(ALL *All)
{
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&All->Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&All->Connection));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownAddress(&All->Address));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&All->Transport));
}

#include "rxce_contexts.h"

/* Everything that takes an object, but as its own storage, with a pointer to what is none of its kind. */
static void RefuseEverywhere(PVOID Place, int IsTransport, int IsAddress, int IsConnection, int IsVc)
{
    RXCE_TRANSPORT_INFORMATION TransportInformation;
    ADAPTER_STATUS Adapter;
    TDI_PROVIDER_INFO Provider;
    RXCE_ADDRESS Address;
    RXCE_CONNECTION Connection;
    RXCE_VC Vc;
    TA_IP_ADDRESS Any = Ip(0, 0), Echo = Ip(LOOPBACK, EchoPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Echo);
    char Data[] = "x";
    MDL Mdl = Describe(Data, 1);

    if (!IsTransport) {
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryTransportInformation(Place, &TransportInformation));
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryAdapterStatus(Place, &Adapter));
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(&Address, Place, (PTRANSPORT_ADDRESS)&Any, &AddressHandlers, NULL));
        ZEROED(Address);
    }
    if (!IsAddress) {
        PRXCE_ADDRESS Addresses[1] = {Place};
        RXCE_CONNECTION_COMPLETION_CONTEXT Context = {.pConnection = &Connection, .pVc = &Vc};
        RACE Race = {RxCeSelectAllSuccessfulTransports, 1, Addresses, DEVICE_OBJECT_PLACE, &Tcp, &Information, &Handlers, NULL, &Context};
        STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(Place, &Information, &Handlers, &Connection, &Vc));
        ZEROED(Connection);
        ZEROED(Vc);
        STATUS_IS(STATUS_INVALID_HANDLE, InWorker(&Race));
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSendDatagram(Place, &Information, 0, &Mdl, 1, NULL));
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownAddress(Place));
    }
    if (!IsConnection) {
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildVC(&Vc, Place));
        ZEROED(Vc);
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownConnection(Place));
    }
    if (!IsVc) {
        STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend(Place, 0, &Mdl, 1, NULL));
        STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend(Place, RXCE_SEND_SYNCHRONOUS, &Mdl, 1, NULL));
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeHostRunInWorkerThread(InitiateDisconnect, Place));
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryInformation(Place, 1, &Provider, sizeof Provider));
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownVC(Place));
    }
    STATUS_IS(STATUS_NOT_IMPLEMENTED, RxCeCancelConnectRequest(Place, Place, Place));
    RxCeFreeIrp(Place);
}

static void Pointers(void)
{
    ALL All, Copy;
    ALL *Page = NewPage();
    PVOID Storage[4];
    int I;

    CHECK(Page != NULL);
    if (Page == NULL)
        return;
    /* Freed after tear-down: whoever looks at it crashes. */
    BuildAll(Page);
    TearDownAll(Page);
    CHECK(ForbidPage(Page));
    RefuseEverywhere(&Page->Transport, 0, 0, 0, 0);
    RefuseEverywhere(&Page->Address, 0, 0, 0, 0);
    RefuseEverywhere(&Page->Connection, 0, 0, 0, 0);
    RefuseEverywhere(&Page->Vc, 0, 0, 0, 0);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Page->Transport));
    RefuseEverywhere(NULL, 0, 0, 0, 0);
    RefuseEverywhere((PVOID)1, 0, 0, 0, 0); /* not aligned */
    FreePage(Page);
    /* Objects of other kinds, and copies of objects. */
    BuildAll(&All);
    RefuseEverywhere(&All.Transport, 1, 0, 0, 0);
    RefuseEverywhere(&All.Address, 0, 1, 0, 0);
    RefuseEverywhere(&All.Connection, 0, 0, 1, 0);
    RefuseEverywhere(&All.Vc, 0, 0, 0, 1);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeTearDownTransport((PRXCE_TRANSPORT)&All.Vc));
    Copy = All;
    RefuseEverywhere(&Copy.Transport, 0, 0, 0, 0);
    RefuseEverywhere(&Copy.Address, 0, 0, 0, 0);
    RefuseEverywhere(&Copy.Connection, 0, 0, 0, 0);
    RefuseEverywhere(&Copy.Vc, 0, 0, 0, 0);
    /* Storage that is in use, or none. */
    Storage[0] = &All.Transport, Storage[1] = &All.Address, Storage[2] = &All.Connection, Storage[3] = &All.Vc;
    Copy = All;
    for (I = 0; I < 4; I++) {
        TA_IP_ADDRESS Any = Ip(0, 0), Echo = Ip(LOOPBACK, EchoPort);
        RXCE_CONNECTION_INFORMATION Information = To(&Echo);
        RXCE_VC Vc;
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport(Storage[I], &Tcp, 0));
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildAddress(Storage[I], &All.Transport, (PTRANSPORT_ADDRESS)&Any, &AddressHandlers, NULL));
        STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&All.Address, &Information, &Handlers, Storage[I], &Vc));
        STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildVC(Storage[I], &All.Connection));
    }
    CHECK(Copy.Transport.Name.Buffer == All.Transport.Name.Buffer && Copy.Address.pHandler == All.Address.pHandler);
    CHECK(Copy.Connection.pHandler == All.Connection.pHandler && All.Vc.State == RXCE_VC_STATE_ACTIVE);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport((PRXCE_TRANSPORT)((char *)&Copy + 1), &Tcp, 0));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildVC((PRXCE_VC)((char *)&Copy + 1), &All.Connection));
    TearDownAll(&All);
}

static void NotStarted(void)
{
    RXCE_TRANSPORT Transport;
    char Data[1];
    MDL Mdl = Describe(Data, 1);

    STATUS_IS(STATUS_REDIRECTOR_NOT_STARTED, RxCeHostUninitialize());
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildTransport(&Transport, &Tcp, 0));
    STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend(NULL, 0, &Mdl, 1, NULL));
    CHECK(RxCeAllocateIrpWithMDL(1, FALSE, NULL) == NULL);
}

static RXCE_HOST_OPTIONS Options = {3, 20000, {2, 0, 0, 0, 0, 7}};

/* The engine comes and goes. */
static void Lives(void)
{
    RXCE_TRANSPORT Transport;
    ADAPTER_STATUS Adapter;

    NotStarted();
    STATUS_IS(STATUS_SUCCESS, RxCeHostInitialize(&Options));
    STATUS_IS(STATUS_REDIRECTOR_STARTED, RxCeHostInitialize(NULL));
    STATUS_IS(STATUS_SUCCESS, RxCeHostUninitialize());
    NotStarted();
    /* Again, without an adapter. */
    STATUS_IS(STATUS_SUCCESS, RxCeHostInitialize(NULL));
    STATUS_IS(STATUS_SUCCESS, RxCeBuildTransport(&Transport, &Tcp, 0));
    STATUS_IS(STATUS_ADDRESS_NOT_ASSOCIATED, RxCeQueryAdapterStatus(&Transport, &Adapter));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Transport));
    STATUS_IS(STATUS_SUCCESS, RxCeHostUninitialize());
}

/* The parts of the program. All but the first find the engine running. */
static const struct {
    const char *Name;
    void (*Run)(void);
} Parts[] = {
    {"lives", Lives},     {"transports", Transports}, {"addresses", Addresses}, {"connections", Connections},
    {"ends", Ends},       {"receives", Receives},     {"sends", Sends},         {"queries", Queries},
    {"datagrams", Datagrams}, {"races", Races},       {"irps", Irps},           {"contexts", Contexts},
    {"levels", Levels},   {"pointers", Pointers},
};
#define PARTS ((int)(sizeof Parts / sizeof *Parts))

static void RunPart(int Part)
{
    if (Part == 0) {
        Parts[Part].Run();
        return;
    }
    STATUS_IS(STATUS_SUCCESS, RxCeHostInitialize(&Options));
    Parts[Part].Run();
    STATUS_IS(STATUS_SUCCESS, RxCeHostUninitialize());
}

#ifdef RXCE_IN_DRIVER
/* Runs a part; FALSE when there is none of that number. Its name is told in any case. */
BOOLEAN NTAPI RxCeProgram(ULONG Part, const USHORT *Ports, RXCE_PROGRAM_RESULT *Result)
{
    if (Part >= (ULONG)PARTS)
        return FALSE;
    Result->Name = Parts[Part].Name;
    if (Ports == NULL)
        return TRUE;
    EchoPort = Ports[0], ClosePort = Ports[1], ResetPort = Ports[2], StallPort = Ports[3], RefusedPort = Ports[4];
    Passed = Failed = Skipped = 0;
    RunPart((int)Part);
    Result->Passed = (ULONG)Passed, Result->Failed = (ULONG)Failed, Result->Skipped = (ULONG)Skipped;
    return TRUE;
}
#else
int main(int Count, char **Arguments)
{
    int Part;

    if (Count != 6)
        return 2;
    EchoPort = atoi(Arguments[1]);
    ClosePort = atoi(Arguments[2]);
    ResetPort = atoi(Arguments[3]);
    StallPort = atoi(Arguments[4]);
    RefusedPort = atoi(Arguments[5]);
    for (Part = 0; Part < PARTS; Part++)
        RunPart(Part);
    if (Skipped)
        printf("# %d parts are skipped\n", Skipped);
    printf("%d passed, %d failed\n", Passed, Failed);
    return Failed != 0;
}
#endif
