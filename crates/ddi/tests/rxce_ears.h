/*
 * What rxce.c's handlers hear, and the names and addresses that it uses.
 */
#ifndef RXCE_IN_DRIVER
#include <pthread.h>
#include <time.h>
#endif

/* ------------------------------------------------------------------ what handlers have heard */
static int IsZero(const void *Place, size_t Length)
{
    const unsigned char *Byte = Place;
    while (Length--)
        if (*Byte++)
            return 0;
    return 1;
}

#define ZEROED(Structure) CHECK(IsZero(&(Structure), sizeof(Structure)))

/* Parts that cannot be run where the program is. */
static int Skipped;

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
