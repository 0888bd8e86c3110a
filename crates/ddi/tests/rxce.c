/*
 * A C program that uses every routine of rxce.h and checks every status that it may answer, but for want of memory.
 * Arguments: the ports of TCP servers on 127.0.0.1 that echo, close after one byte, reset after four, take nothing until
 * there is a second connection; and a port that refuses. Prints one line for each check.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rxcehost.h"

/* ------------------------------------------------------------------ checks */
static int Passed, Failed;

static void Check(int Ok, const char *What, int Line)
{
    if (Ok) {
        Passed++;
    } else {
        Failed++;
        printf("not ");
    }
    printf("ok %s (line %d)\n", What, Line);
    fflush(stdout);
}

#define CHECK(Condition) Check((Condition) ? 1 : 0, #Condition, __LINE__)

static void CheckStatus(NTSTATUS Got, NTSTATUS Wanted, const char *What, int Line)
{
    if (Got != Wanted)
        printf("# got %08x, wanted %08x\n", (unsigned)Got, (unsigned)Wanted);
    Check(Got == Wanted, What, Line);
}

#define STATUS_IS(Wanted, Call) CheckStatus((Call), (Wanted), #Wanted ": " #Call, __LINE__)

static int IsZero(const void *Place, size_t Length)
{
    const unsigned char *Byte = Place;
    while (Length--)
        if (*Byte++)
            return 0;
    return 1;
}

#define ZEROED(Structure) CHECK(IsZero(&(Structure), sizeof(Structure)))

/* ------------------------------------------------------------------ what handlers have heard */
#define ROOM (1 << 16)

typedef struct _EARS {
    pthread_mutex_t Lock;
    pthread_cond_t Changed;
    char Bytes[ROOM]; /* received */
    size_t Received;
    int Receives, Disconnects, Errors, Completes, Submits, Possibles, DataReadies, Datagrams;
    ULONG DisconnectFlags;
    NTSTATUS Error, Completed, CopyStatus;
    PVOID CompletedContext, LastVc;
    PMDL ReadyMdl;
    ULONG Copied, Room;
    size_t SourceLength;
    TA_IP_ADDRESS Source;
    NTSTATUS Inside; /* what a routine answered that a handler called */
    /* How Receive answers. */
    enum { TAKE_ALL, TAKE_ONE, TAKE_NONE, GIVE_BUFFER, CALL_BACK } Manner;
    MDL Buffer;
    ULONG BufferSize;
} EARS;

static EARS Ears = {.Lock = PTHREAD_MUTEX_INITIALIZER, .Changed = PTHREAD_COND_INITIALIZER};

static void Forget(void)
{
    pthread_mutex_lock(&Ears.Lock);
    memset((char *)&Ears + offsetof(EARS, Bytes), 0, sizeof Ears - offsetof(EARS, Bytes));
    pthread_mutex_unlock(&Ears.Lock);
}

static void Heard(void)
{
    pthread_cond_broadcast(&Ears.Changed);
    pthread_mutex_unlock(&Ears.Lock);
}

/* Waits until Condition holds, for 30 seconds at most. */
#define WAIT_FOR(Condition)                                                             \
    do {                                                                                \
        struct timespec Until;                                                          \
        int Late = 0, Holds;                                                            \
        clock_gettime(CLOCK_REALTIME, &Until);                                          \
        Until.tv_sec += 30;                                                             \
        pthread_mutex_lock(&Ears.Lock);                                                 \
        while (!(Holds = (Condition)) && !Late)                                         \
            Late = pthread_cond_timedwait(&Ears.Changed, &Ears.Lock, &Until) != 0;      \
        pthread_mutex_unlock(&Ears.Lock);                                               \
        Check(Holds, #Condition, __LINE__);                                             \
    } while (0)

static NTSTATUS NTAPI OnDisconnect(PVOID Context, PRXCE_VC Vc, LONG DataLength, PVOID Data, LONG InfoLength, PVOID Info,
                                   ULONG Flags)
{
    EARS *Mine = Context;
    (void)DataLength, (void)Data, (void)InfoLength, (void)Info;
    pthread_mutex_lock(&Mine->Lock);
    Mine->Disconnects++;
    Mine->DisconnectFlags = Flags;
    Mine->LastVc = Vc;
    Heard();
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnError(PVOID Context, PRXCE_VC Vc, NTSTATUS Status)
{
    EARS *Mine = Context;
    pthread_mutex_lock(&Mine->Lock);
    Mine->Errors++;
    Mine->Error = Status;
    Mine->LastVc = Vc;
    Heard();
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnReceive(PVOID Context, PRXCE_VC Vc, ULONG Flags, ULONG Indicated, ULONG Available, ULONG *Taken,
                                PVOID Tsdu, PMDL *Buffer, PULONG Size)
{
    EARS *Mine = Context;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Take = Indicated;
    if (Indicated != Available || !(Flags & TDI_RECEIVE_NORMAL))
        return STATUS_DATA_NOT_ACCEPTED;
    pthread_mutex_lock(&Mine->Lock);
    Mine->Receives++;
    Mine->LastVc = Vc;
    switch (Mine->Manner) {
    case TAKE_ALL:
        break;
    case TAKE_ONE:
        Take = 1;
        break;
    case TAKE_NONE:
        Take = 0;
        Status = STATUS_DATA_NOT_ACCEPTED;
        break;
    case GIVE_BUFFER:
        Take = 1;
        *Buffer = &Mine->Buffer;
        *Size = Mine->BufferSize;
        Status = STATUS_MORE_PROCESSING_REQUIRED;
        Mine->Manner = TAKE_ALL;
        break;
    case CALL_BACK:
        /* What waits must not be called here. */
        Mine->Inside = RxCeTearDownVC(Vc);
        break;
    }
    if (Mine->Received + Take <= ROOM) {
        memcpy(Mine->Bytes + Mine->Received, Tsdu, Take);
        Mine->Received += Take;
    }
    *Taken = Take;
    Heard();
    return Status;
}

static NTSTATUS NTAPI OnSendPossible(PVOID Context, PRXCE_VC Vc, ULONG Available)
{
    EARS *Mine = Context;
    pthread_mutex_lock(&Mine->Lock);
    Mine->Possibles++;
    Mine->Room = Available;
    Mine->LastVc = Vc;
    Heard();
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnDataReady(PVOID Context, PMDL Mdl, ULONG Copied, NTSTATUS Status)
{
    EARS *Mine = Context;
    pthread_mutex_lock(&Mine->Lock);
    Mine->DataReadies++;
    Mine->ReadyMdl = Mdl;
    Mine->Copied = Copied;
    Mine->CopyStatus = Status;
    Heard();
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnSendComplete(PVOID Context, PRXCE_VC Vc, PVOID CompletionContext, NTSTATUS Status)
{
    EARS *Mine = Context;
    pthread_mutex_lock(&Mine->Lock);
    Mine->Completes++;
    Mine->Completed = Status;
    Mine->CompletedContext = CompletionContext;
    Mine->LastVc = Vc;
    Heard();
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnSendSubmitted(PVOID Context, PRXCE_VC Vc, PVOID CompletionContext, NTSTATUS Status)
{
    EARS *Mine = Context;
    (void)Vc, (void)CompletionContext, (void)Status;
    pthread_mutex_lock(&Mine->Lock);
    Mine->Submits++;
    Heard();
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI OnAddressError(PVOID Context, NTSTATUS Status)
{
    return OnError(Context, NULL, Status);
}

static NTSTATUS NTAPI OnDatagram(PVOID Context, LONG SourceLength, PVOID Source, LONG OptionsLength, PVOID Options,
                                 ULONG Flags, ULONG Indicated, ULONG Available, ULONG *Taken, PVOID Tsdu, PMDL *Buffer,
                                 PULONG Size)
{
    EARS *Mine = Context;
    NTSTATUS Status = STATUS_SUCCESS;
    (void)OptionsLength, (void)Options, (void)Available;
    pthread_mutex_lock(&Mine->Lock);
    Mine->Datagrams++;
    Mine->SourceLength = (size_t)SourceLength;
    if (Mine->SourceLength == sizeof Mine->Source)
        memcpy(&Mine->Source, Source, sizeof Mine->Source);
    if (Indicated && Flags & TDI_RECEIVE_ENTIRE_MESSAGE)
        Mine->Bytes[Mine->Received++] = *(char *)Tsdu;
    *Taken = 1;
    if (Mine->BufferSize) {
        *Buffer = &Mine->Buffer;
        *Size = Mine->BufferSize;
        Status = STATUS_MORE_PROCESSING_REQUIRED;
    }
    Heard();
    return Status;
}

static NTSTATUS NTAPI OnAddressSendComplete(PVOID Context, PVOID CompletionContext, NTSTATUS Status)
{
    return OnSendComplete(Context, NULL, CompletionContext, Status);
}

static RXCE_CONNECTION_EVENT_HANDLER Handlers = {
    .RxCeDisconnectEventHandler = OnDisconnect,
    .RxCeErrorEventHandler = OnError,
    .RxCeReceiveEventHandler = OnReceive,
    .RxCeSendPossibleEventHandler = OnSendPossible,
    .RxCeDataReadyEventHandler = OnDataReady,
    .RxCeSendCompleteEventHandler = OnSendComplete,
    .RxCeSendSubmittedEventHandler = OnSendSubmitted,
};

static RXCE_ADDRESS_EVENT_HANDLER AddressHandlers = {
    .RxCeErrorEventHandler = OnAddressError,
    .RxCeReceiveDatagramEventHandler = OnDatagram,
    .RxCeDataReadyEventHandler = OnDataReady,
    .RxCeSendCompleteEventHandler = OnAddressSendComplete,
};

/* ------------------------------------------------------------------ names and addresses */
static WCHAR TcpUnits[] = {'\\', 'D', 'e', 'v', 'i', 'c', 'e', '\\', 'T', 'c', 'p'};
static WCHAR UdpUnits[] = {'\\', 'D', 'E', 'V', 'I', 'C', 'E', '\\', 'u', 'd', 'p'};
static WCHAR Tcp6Units[] = {'\\', 'D', 'e', 'v', 'i', 'c', 'e', '\\', 'T', 'c', 'p', '6'};
static WCHAR OtherUnits[] = {'\\', 'D', 'e', 'v', 'i', 'c', 'e', '\\', 'X', 'n', 's'};
static UNICODE_STRING Tcp = {sizeof TcpUnits, sizeof TcpUnits, TcpUnits};
static UNICODE_STRING Udp = {sizeof UdpUnits, sizeof UdpUnits, UdpUnits};
static UNICODE_STRING Tcp6 = {sizeof Tcp6Units, sizeof Tcp6Units, Tcp6Units};
static UNICODE_STRING Other = {sizeof OtherUnits, sizeof OtherUnits, OtherUnits};

static TA_IP_ADDRESS Ip(ULONG Address, int Port)
{
    TA_IP_ADDRESS Ta;
    memset(&Ta, 0, sizeof Ta);
    Ta.TAAddressCount = 1;
    Ta.Address[0].AddressLength = TDI_ADDRESS_LENGTH_IP;
    Ta.Address[0].AddressType = TDI_ADDRESS_TYPE_IP;
    Ta.Address[0].Address[0].sin_port = (USHORT)((Port & 0xFF) << 8 | Port >> 8);
    Ta.Address[0].Address[0].in_addr = Address;
    return Ta;
}

#define LOOPBACK 0x0100007Fu /* 127.0.0.1, as it lies in memory of a little-endian machine */

static RXCE_CONNECTION_INFORMATION To(TA_IP_ADDRESS *Remote)
{
    RXCE_CONNECTION_INFORMATION Information;
    memset(&Information, 0, sizeof Information);
    Information.RemoteAddressLength = sizeof *Remote;
    Information.RemoteAddress = Remote;
    return Information;
}

static MDL Describe(void *Base, ULONG Length)
{
    MDL Mdl;
    RxCeHostInitializeMdl(&Mdl, Base, Length);
    return Mdl;
}

static int EchoPort, ClosePort, ResetPort, StallPort, RefusedPort;

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

static NTSTATUS NTAPI TearDownTransport(PVOID Transport)
{
    return RxCeTearDownTransport(Transport);
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

/* ------------------------------------------------------------------ ends that the other side makes */
static void Ends(void)
{
    HOME Home;
    RXCE_CONNECTION Connection;
    RXCE_VC Vc;
    TA_IP_ADDRESS Closes = Ip(LOOPBACK, ClosePort), Resets = Ip(LOOPBACK, ResetPort), Echo = Ip(LOOPBACK, EchoPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Closes);
    char Data[] = "1234", Room[16];
    MDL One = Describe(Data, 1), Four = Describe(Data, 4);

    Forget();
    MoveIn(&Home, &Tcp);
    STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Vc));
    Ears.Manner = GIVE_BUFFER;
    Ears.Buffer = Describe(Room, sizeof Room);
    Ears.BufferSize = sizeof Room;
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &One, 1, NULL));
    /* It answers "bye" and closes: the buffer comes back with what there was of it. */
    WAIT_FOR(Ears.Disconnects == 1);
    CHECK(Ears.DisconnectFlags == TDI_DISCONNECT_RELEASE && Ears.Errors == 0);
    CHECK(Vc.State == RXCE_VC_STATE_DISCONNECTED);
    CHECK(Ears.DataReadies == 1 && Ears.Copied == 2 && Ears.CopyStatus == STATUS_CONNECTION_DISCONNECTED);
    CHECK(Ears.Bytes[0] == 'b' && memcmp(Room, "ye", 2) == 0);
    STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &One, 1, NULL));
    STATUS_IS(STATUS_SUCCESS, RxCeHostRunInWorkerThread(InitiateDisconnect, &Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));
    CHECK(Ears.Disconnects == 1);

    Forget();
    Information = To(&Resets);
    STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, 0, &Four, 4, NULL));
    WAIT_FOR(Ears.Disconnects == 1);
    CHECK(Ears.DisconnectFlags == TDI_DISCONNECT_ABORT);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));

    /* The address fails. */
    Forget();
    Information = To(&Echo);
    STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Vc));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeHostFailAddress((PRXCE_ADDRESS)&Vc, STATUS_DEVICE_NOT_READY));
    STATUS_IS(STATUS_SUCCESS, RxCeHostFailAddress(&Home.Address, STATUS_DEVICE_NOT_READY));
    CHECK(Ears.Errors == 1 && Ears.Error == STATUS_DEVICE_NOT_READY && Ears.LastVc == NULL);
    CHECK(Vc.State == RXCE_VC_STATE_DISCONNECTED);
    STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend(&Vc, 0, &One, 1, NULL));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeBuildVC(&Vc, &Connection));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Vc));
    CHECK(Ears.Disconnects == 0 && Ears.Errors == 1);
    MoveOut(&Home);
}

/* ------------------------------------------------------------------ receiving */
static void Receives(void)
{
    HOME Home;
    RXCE_CONNECTION Connection;
    RXCE_VC Vc;
    TA_IP_ADDRESS Echo = Ip(LOOPBACK, EchoPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Echo);
    char Data[] = "0123456789", Room[6];
    MDL Mdl = Describe(Data, 10), Tail = Describe(Room + 2, 4);

    Forget();
    MoveIn(&Home, &Tcp);
    STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Vc));
    /* One byte each time: the rest is shown again. */
    Ears.Manner = TAKE_ONE;
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &Mdl, 10, NULL));
    WAIT_FOR(Ears.Received == 10);
    CHECK(Ears.Receives == 10 && memcmp(Ears.Bytes, Data, 10) == 0);
    /* None, until there is more. */
    Forget();
    Ears.Manner = TAKE_NONE;
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &Mdl, 10, NULL));
    WAIT_FOR(Ears.Receives >= 1);
    pthread_mutex_lock(&Ears.Lock);
    Ears.Manner = TAKE_ALL;
    pthread_mutex_unlock(&Ears.Lock);
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &Mdl, 10, NULL));
    WAIT_FOR(Ears.Received == 20);
    CHECK(memcmp(Ears.Bytes, Data, 10) == 0 && memcmp(Ears.Bytes + 10, Data, 10) == 0);
    /* One byte, then six into a buffer of two parts, then the others. */
    Forget();
    memset(Room, 0, sizeof Room);
    Ears.Buffer = Describe(Room, 2);
    Ears.Buffer.Next = &Tail;
    Ears.BufferSize = 6;
    Ears.Manner = GIVE_BUFFER;
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &Mdl, 10, NULL));
    WAIT_FOR(Ears.Received == 4);
    CHECK(Ears.DataReadies == 1 && Ears.ReadyMdl == &Ears.Buffer && Ears.Copied == 6 && Ears.CopyStatus == STATUS_SUCCESS);
    CHECK(memcmp(Room, "123456", 6) == 0 && memcmp(Ears.Bytes, "0789", 4) == 0);
    CHECK(Vc.pReceiveMdl == NULL);
    /* A handler must not wait. */
    Forget();
    Ears.Manner = CALL_BACK;
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &Mdl, 10, NULL));
    WAIT_FOR(Ears.Received == 10);
    CHECK(Ears.Inside == STATUS_INVALID_PARAMETER && Vc.State == RXCE_VC_STATE_ACTIVE);
    /* A buffer that is not full when this side goes is the caller's again, without a word. */
    Forget();
    Ears.Buffer = Describe(Room, 6);
    Ears.BufferSize = 6;
    Ears.Manner = GIVE_BUFFER;
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS | RXCE_SEND_PARTIAL, &Mdl, 3, NULL));
    WAIT_FOR(Ears.Receives == 1);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
    CHECK(Ears.DataReadies == 0 && Ears.Disconnects == 0);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));

    /* A handler that takes nothing of more than a receive buffer. */
    Forget();
    {
        static char Much[1 << 17];
        MDL Big = Describe(Much, sizeof Much);
        STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Vc));
        Ears.Manner = TAKE_NONE;
        STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, 0, &Big, sizeof Much, NULL));
        WAIT_FOR(Ears.Errors == 1 && Ears.Completes == 1);
        CHECK(Ears.Error == STATUS_DATA_NOT_ACCEPTED && Vc.State == RXCE_VC_STATE_DISCONNECTED);
        STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
        STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));
    }
    MoveOut(&Home);
}

/* ------------------------------------------------------------------ sending */
static void Sends(void)
{
    HOME Home;
    RXCE_CONNECTION Connection, Control;
    RXCE_VC Vc, ControlVc, Unbuilt;
    TA_IP_ADDRESS Echo = Ip(LOOPBACK, EchoPort), Stalls = Ip(LOOPBACK, StallPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Echo);
    char Data[] = "0123456789";
    MDL Mdl = Describe(Data, 4), Tail = Describe(Data + 4, 6), Nothing = Describe(Data, 0);
    static char Much[1 << 18];
    MDL Big = Describe(Much, sizeof Much);
    int Sent = 0;

    Forget();
    memset(&Unbuilt, 0, sizeof Unbuilt);
    MoveIn(&Home, &Tcp);
    STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Vc));
    STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend(NULL, 0, &Mdl, 4, NULL));
    STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend(&Unbuilt, 0, &Mdl, 4, NULL));
    STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend((PRXCE_VC)&Connection, 0, &Mdl, 4, NULL));
    Home.Transport.Signature.Word++;
    STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend(&Vc, 0, &Mdl, 4, NULL));
    Home.Transport.Signature.Word--;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSend(&Vc, 0, NULL, 4, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSend(&Vc, 0, &Mdl, 0, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSend(&Vc, 0, &Nothing, 0, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSend(&Vc, 0, &Mdl, 5, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSend(&Vc, 0, &Mdl, 3, NULL)); /* part, without leave */
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSend(&Vc, RXCE_SEND_PARTIAL, &Mdl, 5, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &Mdl, 5, NULL));
    Mdl.Next = &Tail;
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS | RXCE_SEND_EXPEDITED | RXCE_SEND_NO_RESPONSE_EXPECTED, &Mdl, 10, NULL));
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_PARTIAL, &Mdl, 7, NULL));
    WAIT_FOR(Ears.Received == 17 && Ears.Completes == 1);
    CHECK(memcmp(Ears.Bytes, "01234567890123456", 17) == 0);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
    STATUS_IS(STATUS_CONNECTION_DISCONNECTED, RxCeSend(&Vc, 0, &Mdl, 10, NULL));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));

    /* Without blocking: until there is no room, and told when there is again. */
    Forget();
    Information = To(&Stalls);
    STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Vc));
    for (;;) {
        NTSTATUS Status = RxCeSend(&Vc, RXCE_SEND_NON_BLOCKING, &Big, sizeof Much, NULL);
        if (Status != STATUS_SUCCESS || ++Sent > 100000) {
            STATUS_IS(STATUS_DEVICE_NOT_READY, Status);
            break;
        }
        /* One is always accepted. Wait until it has gone or is stuck: a second answer says which. */
    }
    CHECK(Sent >= 1);
    STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Handlers, &Control, &ControlVc));
    WAIT_FOR(Ears.Possibles >= 1 && Ears.Completes == Sent);
    CHECK(Ears.Room > 0 && Ears.Completed == STATUS_SUCCESS);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&ControlVc));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Control));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));

    /* What is under way when this side goes has ended when it has gone. */
    Forget();
    STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Vc));
    for (Sent = 0; Sent < 64; Sent++)
        if (RxCeSend(&Vc, 0, &Big, sizeof Much, NULL) != STATUS_SUCCESS)
            break;
    CHECK(Sent == 64);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
    CHECK(Ears.Completes == 64 && Ears.Completed == STATUS_CONNECTION_DISCONNECTED && Ears.Disconnects == 0);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));
    MoveOut(&Home);
}

/* ------------------------------------------------------------------ queries */
static void Queries(void)
{
    HOME Home;
    RXCE_CONNECTION Connection;
    RXCE_VC Vc;
    TA_IP_ADDRESS Echo = Ip(LOOPBACK, EchoPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Echo), GotInformation;
    TDI_PROVIDER_INFO Provider;
    TDI_CONNECTION_INFO Endpoint;
    union {
        TDI_ADDRESS_INFO Info;
        UCHAR Bytes[64];
    } Remote;
    char Data[] = "x";
    MDL Mdl = Describe(Data, 1);

    Forget();
    MoveIn(&Home, &Tcp);
    STATUS_IS(STATUS_SUCCESS, BUILD(&Home.Address, &Information, &Handlers, &Connection, &Vc));
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vc, RXCE_SEND_SYNCHRONOUS, &Mdl, 1, NULL));
    WAIT_FOR(Ears.Received == 1);
    STATUS_IS(STATUS_SUCCESS, RxCeQueryInformation(&Vc, RxCeTransportProviderInformation, &Provider, sizeof Provider));
    CHECK(memcmp(&Provider, Home.Transport.pProviderInfo, sizeof Provider) == 0 && Provider.StartTime.QuadPart > 0);
    STATUS_IS(STATUS_SUCCESS, RxCeQueryInformation(&Vc, RxCeConnectionInformation, &GotInformation, sizeof GotInformation));
    CHECK(GotInformation.RemoteAddressLength == sizeof Echo && memcmp(GotInformation.RemoteAddress, &Echo, sizeof Echo) == 0);
    STATUS_IS(STATUS_SUCCESS, RxCeQueryInformation(&Vc, RxCeConnectionEndpointInformation, &Endpoint, sizeof Endpoint));
    CHECK(Endpoint.TransmittedTsdus == 1 && Endpoint.ReceivedTsdus >= 1 && Endpoint.State == (ULONG)RXCE_VC_STATE_ACTIVE);
    CHECK(!Endpoint.Unreliable && Endpoint.SendBufferSize && Endpoint.ReceiveBufferSize);
    STATUS_IS(STATUS_SUCCESS, RxCeQueryInformation(&Vc, RxCeRemoteAddressInformation, &Remote, sizeof Remote));
    CHECK(memcmp(Remote.Bytes + 4, &Echo, sizeof Echo) == 0 && Remote.Info.Address.TAAddressCount == 1);
    STATUS_IS(STATUS_SUCCESS, RxCeQueryInformation(&Vc, RxCeRemoteAddressInformation, &Remote, 4 + sizeof Echo));

    memset(&Provider, 0x5A, sizeof Provider);
    STATUS_IS(STATUS_BUFFER_OVERFLOW, RxCeQueryInformation(&Vc, RxCeTransportProviderInformation, &Provider, 4));
    CHECK(Provider.Version == 0x0200 && Provider.MaxSendSize == 0x5A5A5A5Au); /* as much as fits, no more */
    STATUS_IS(STATUS_BUFFER_OVERFLOW, RxCeQueryInformation(&Vc, RxCeConnectionInformation, &GotInformation, 0));
    STATUS_IS(STATUS_BUFFER_OVERFLOW, RxCeQueryInformation(&Vc, RxCeConnectionEndpointInformation, &Endpoint, sizeof Endpoint - 1));
    STATUS_IS(STATUS_BUFFER_OVERFLOW, RxCeQueryInformation(&Vc, RxCeRemoteAddressInformation, &Remote, 3 + sizeof Echo));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryInformation(&Vc, 0, &Provider, sizeof Provider));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryInformation(&Vc, 5, &Provider, sizeof Provider));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryInformation(NULL, 1, &Provider, sizeof Provider));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryInformation((PRXCE_VC)&Home.Address, 1, &Provider, sizeof Provider));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryInformation(&Vc, 1, NULL, sizeof Provider));
    /* What is behind it. */
    Connection.Signature.Word++;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryInformation(&Vc, 1, &Provider, sizeof Provider));
    Connection.Signature.Word--;
    Home.Address.Signature.Word++;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryInformation(&Vc, 1, &Provider, sizeof Provider));
    Home.Address.Signature.Word--;
    Home.Transport.Signature.Word++;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryInformation(&Vc, 1, &Provider, sizeof Provider));
    Home.Transport.Signature.Word--;
    STATUS_IS(STATUS_SUCCESS, RxCeQueryInformation(&Vc, 1, &Provider, sizeof Provider));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vc));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeQueryInformation(&Vc, 1, &Provider, sizeof Provider));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connection));
    MoveOut(&Home);
}

/* ------------------------------------------------------------------ datagrams */
static void Datagrams(void)
{
    HOME One, Two, Stream;
    TA_IP_ADDRESS Remote;
    RXCE_CONNECTION_INFORMATION Information, Bad;
    RXCE_CONNECTION Connection;
    RXCE_VC Vc;
    char Data[] = "packet", Room[3];
    static char Much[70000];
    MDL Mdl = Describe(Data, 6), Big = Describe(Much, sizeof Much);
    int Port;

    Forget();
    MoveIn(&One, &Udp);
    MoveIn(&Two, &Udp);
    MoveIn(&Stream, &Tcp);
    /* A fixed port, to be sent to: any that is free. */
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownAddress(&Two.Address));
    for (Port = 20000; Port < 60000; Port++) {
        Remote = Ip(LOOPBACK, Port);
        if (RxCeBuildAddress(&Two.Address, &Two.Transport, (PTRANSPORT_ADDRESS)&Remote, &AddressHandlers, &Ears) == STATUS_SUCCESS)
            break;
        if (Port == 20000)
            ZEROED(Two.Address);
    }
    CHECK(Port < 60000);
    Information = To(&Remote);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSendDatagram(NULL, &Information, 0, &Mdl, 6, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSendDatagram(&Stream.Address, &Information, 0, &Mdl, 6, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSendDatagram(&One.Address, NULL, 0, &Mdl, 6, NULL));
    Bad = Information, Bad.RemoteAddressLength = 0;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSendDatagram(&One.Address, &Bad, 0, &Mdl, 6, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSendDatagram(&One.Address, &Information, 0, NULL, 6, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSendDatagram(&One.Address, &Information, 0, &Mdl, 7, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSendDatagram(&One.Address, &Information, 0, &Mdl, 5, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSendDatagram(&One.Address, &Information, 0, &Big, sizeof Much, NULL));
    CHECK(Ears.Completes == 0);

    STATUS_IS(STATUS_SUCCESS, RxCeSendDatagram(&One.Address, &Information, RXCE_SEND_SYNCHRONOUS, &Mdl, 6, &Mdl));
    WAIT_FOR(Ears.Datagrams == 1 && Ears.Completes == 1);
    CHECK(Ears.Completed == STATUS_SUCCESS && Ears.CompletedContext == &Mdl && Ears.Bytes[0] == 'p');
    CHECK(Ears.SourceLength == sizeof(TA_IP_ADDRESS) && Ears.Source.Address[0].Address[0].in_addr == LOOPBACK);
    CHECK(Ears.DataReadies == 0);
    Forget();
    Ears.Buffer = Describe(Room, 3);
    Ears.BufferSize = 3;
    STATUS_IS(STATUS_SUCCESS, RxCeSendDatagram(&One.Address, &Information, RXCE_SEND_PARTIAL, &Mdl, 4, NULL));
    WAIT_FOR(Ears.DataReadies == 1 && Ears.Completes == 1);
    CHECK(Ears.Copied == 3 && Ears.CopyStatus == STATUS_SUCCESS && memcmp(Room, "ack", 3) == 0);
    STATUS_IS(STATUS_SUCCESS, RxCeSendDatagram(&One.Address, &Information, 0, &Mdl, 6, NULL));
    WAIT_FOR(Ears.DataReadies == 2 && Ears.Completes == 2);
    CHECK(Ears.Copied == 3 && Ears.CopyStatus == STATUS_BUFFER_OVERFLOW);
    /* No connections from here. */
    STATUS_IS(STATUS_INVALID_PARAMETER, BUILD(&One.Address, &Information, &Handlers, &Connection, &Vc));
    MoveOut(&One);
    MoveOut(&Two);
    MoveOut(&Stream);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeSendDatagram(&One.Address, &Information, 0, &Mdl, 6, NULL));
}

/* ------------------------------------------------------------------ several transports */
typedef struct _RACE {
    RXCE_CONNECTION_CREATE_OPTIONS Option;
    ULONG Count;
    PRXCE_ADDRESS *Addresses;
    PVOID Device;
    PUNICODE_STRING Server;
    PRXCE_CONNECTION_INFORMATION Information;
    PRXCE_CONNECTION_EVENT_HANDLER Handler;
    PRXCE_CONNECTION_COMPLETION_ROUTINE Routine;
    PRXCE_CONNECTION_COMPLETION_CONTEXT Context;
} RACE;

static NTSTATUS NTAPI RunRace(PVOID Place)
{
    RACE *Race = Place;
    return RxCeBuildConnectionOverMultipleTransports(Race->Device, Race->Option, Race->Count, Race->Addresses, Race->Server,
                                                     Race->Information, Race->Handler, &Ears, Race->Routine, Race->Context);
}

static NTSTATUS InWorker(RACE *Race)
{
    return RxCeHostRunInWorkerThread(RunRace, Race);
}

static ULONG ReferencesAtCompletion;
static int DeviceObject;

static NTSTATUS NTAPI OnConnected(PRXCE_CONNECTION_COMPLETION_CONTEXT Context)
{
    (void)Context;
    pthread_mutex_lock(&Ears.Lock);
    ReferencesAtCompletion = RxCeHostDeviceReferences(&DeviceObject);
    Ears.Completes++;
    Heard();
    return STATUS_SUCCESS;
}

static void Races(void)
{
    HOME One, Two, Datagrams;
    RXCE_CONNECTION Connections[3];
    RXCE_VC Vcs[3];
    RXCE_CONNECTION_COMPLETION_CONTEXT Context;
    TA_IP_ADDRESS Echo = Ip(LOOPBACK, EchoPort), Refused = Ip(LOOPBACK, RefusedPort);
    RXCE_CONNECTION_INFORMATION Information = To(&Echo), NoOne = To(&Refused);
    PRXCE_ADDRESS Addresses[3] = {NULL, &One.Address, &Two.Address}, Unusable[2] = {NULL, &Datagrams.Address};
    RACE Good = {RxCeSelectFirstSuccessfulTransport, 3, Addresses, &DeviceObject, &Tcp, &Information, &Handlers, NULL, &Context};
    RACE Race;
    char Data[] = "race";
    MDL Mdl = Describe(Data, 4);
    int I;

    Forget();
    memset(Connections, 0, sizeof Connections);
    memset(Vcs, 0, sizeof Vcs);
    memset(&Context, 0, sizeof Context);
    Context.pConnection = Connections;
    Context.pVc = Vcs;
    MoveIn(&One, &Tcp);
    MoveIn(&Two, &Tcp);
    MoveIn(&Datagrams, &Udp);
    STATUS_IS(STATUS_INVALID_PARAMETER, RunRace(&Good)); /* not in a worker thread */
#define WITH(Change) (Race = Good, Change, InWorker(&Race))
    STATUS_IS(STATUS_INVALID_PARAMETER, WITH(Race.Device = NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, WITH(Race.Option = 3));
    STATUS_IS(STATUS_INVALID_PARAMETER, WITH(Race.Count = 0));
    STATUS_IS(STATUS_INVALID_PARAMETER, WITH(Race.Count = 0xFFFFFFFF));
    STATUS_IS(STATUS_INVALID_PARAMETER, WITH(Race.Addresses = NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, WITH(Race.Server = NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, WITH(Race.Information = NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, WITH(Race.Handler = NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, WITH(Race.Context = NULL));
    Context.pVc = NULL;
    STATUS_IS(STATUS_INVALID_PARAMETER, WITH((void)0));
    Context.pVc = Vcs;
    STATUS_IS(STATUS_INVALID_HANDLE, WITH((Race.Addresses = Unusable, Race.Count = 2)));
    STATUS_IS(STATUS_INVALID_HANDLE, WITH(Race.Information = &NoOne));
    ZEROED(Connections);
    ZEROED(Vcs);
    CHECK(RxCeHostDeviceReferences(&DeviceObject) == 0 && One.Address.ConnectionCount == 0);

    /* The first, waiting for it. */
    STATUS_IS(STATUS_SUCCESS, InWorker(&Good));
    CHECK(Context.Status == STATUS_SUCCESS && (Context.AddressIndex == 1 || Context.AddressIndex == 2));
    CHECK(Connections[0].pAddress == Addresses[Context.AddressIndex] && Vcs[0].State == RXCE_VC_STATE_ACTIVE);
    CHECK(Context.pConnectionInformation == Connections[0].pConnectionInformation);
    CHECK(One.Address.ConnectionCount + Two.Address.ConnectionCount == 1); /* losers have left */
    CHECK(RxCeHostDeviceReferences(&DeviceObject) == 0);
    STATUS_IS(STATUS_SUCCESS, RxCeSend(&Vcs[0], 0, &Mdl, 4, NULL));
    WAIT_FOR(Ears.Received == 4 && Ears.Completes == 1);
    STATUS_IS(STATUS_INVALID_PARAMETER, InWorker(&Good)); /* the storage is in use */
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vcs[0]));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connections[0]));

    /* The best: of equals, the first in the array. */
    STATUS_IS(STATUS_SUCCESS, WITH(Race.Option = RxCeSelectBestSuccessfulTransport));
    CHECK(Context.AddressIndex == 1 && One.Address.ConnectionCount == 1 && Two.Address.ConnectionCount == 0);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vcs[0]));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connections[0]));

    /* All, told later. */
    Forget();
    STATUS_IS(STATUS_PENDING, WITH((Race.Option = RxCeSelectAllSuccessfulTransports, Race.Routine = OnConnected)));
    WAIT_FOR(Ears.Completes == 1);
    CHECK(ReferencesAtCompletion == 2); /* one for each attempt, until the routine has returned */
    CHECK(Context.Status == STATUS_SUCCESS && Context.AddressIndex == 1);
    ZEROED(Connections[0]);
    ZEROED(Vcs[0]);
    for (I = 1; I < 3; I++) {
        CHECK(Connections[I].pAddress == Addresses[I] && Vcs[I].State == RXCE_VC_STATE_ACTIVE);
        STATUS_IS(STATUS_SUCCESS, RxCeTearDownVC(&Vcs[I]));
        STATUS_IS(STATUS_SUCCESS, RxCeTearDownConnection(&Connections[I]));
    }

    /* None, told later. */
    Forget();
    STATUS_IS(STATUS_PENDING, WITH((Race.Information = &NoOne, Race.Routine = OnConnected)));
    WAIT_FOR(Ears.Completes == 1);
    STATUS_IS(STATUS_INVALID_HANDLE, Context.Status);
    ZEROED(Connections);
    MoveOut(&One);
    MoveOut(&Two);
    MoveOut(&Datagrams);
}

/* ------------------------------------------------------------------ IRPs, contexts */
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

static void Contexts(void)
{
    RXCE_TRANSPORT Transport;
    ULONG Violations = RxCeHostViolations();

    STATUS_IS(STATUS_SUCCESS, RxCeBuildTransport(&Transport, &Tcp, 0));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxCeHostRunAtDispatchLevel(TearDownTransport, &Transport));
    CHECK(RxCeHostViolations() == Violations + 1 && Transport.Signature.Word == RXCE_TRANSPORT_SIGNATURE);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Transport));
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

int main(int Count, char **Arguments)
{
    RXCE_HOST_OPTIONS Options = {3, 20000, {2, 0, 0, 0, 0, 7}};
    RXCE_TRANSPORT Transport;
    ADAPTER_STATUS Adapter;

    if (Count != 6)
        return 2;
    EchoPort = atoi(Arguments[1]);
    ClosePort = atoi(Arguments[2]);
    ResetPort = atoi(Arguments[3]);
    StallPort = atoi(Arguments[4]);
    RefusedPort = atoi(Arguments[5]);
    NotStarted();
    STATUS_IS(STATUS_SUCCESS, RxCeHostInitialize(&Options));
    STATUS_IS(STATUS_REDIRECTOR_STARTED, RxCeHostInitialize(NULL));
    Transports();
    Addresses();
    Connections();
    Ends();
    Receives();
    Sends();
    Queries();
    Datagrams();
    Races();
    Irps();
    Contexts();
    STATUS_IS(STATUS_SUCCESS, RxCeHostUninitialize());
    NotStarted();
    /* Again, without an adapter. */
    STATUS_IS(STATUS_SUCCESS, RxCeHostInitialize(NULL));
    STATUS_IS(STATUS_SUCCESS, RxCeBuildTransport(&Transport, &Tcp, 0));
    STATUS_IS(STATUS_ADDRESS_NOT_ASSOCIATED, RxCeQueryAdapterStatus(&Transport, &Adapter));
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Transport));
    STATUS_IS(STATUS_SUCCESS, RxCeHostUninitialize());
    printf("%d passed, %d failed\n", Passed, Failed);
    return Failed != 0;
}
