/*
 * rxce.c's checks of what happens on circuits: ends, receives, sends, queries, datagrams, races.
 */
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
#if defined(_WIN32) || defined(RXCE_IN_DRIVER)
    /* On Wine's sockets a reset that comes while nothing is being received looks like an orderly close. */
    CHECK(Ears.DisconnectFlags == TDI_DISCONNECT_ABORT || Ears.DisconnectFlags == TDI_DISCONNECT_RELEASE);
#else
    CHECK(Ears.DisconnectFlags == TDI_DISCONNECT_ABORT);
#endif
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
/* Whether the transport has them: Wine's Winsock Kernel has not. */
static int HasDatagrams(void)
{
    RXCE_TRANSPORT Transport;
    RXCE_ADDRESS Address;
    TA_IP_ADDRESS Local = Ip(LOOPBACK, 0);
    NTSTATUS Status;

    STATUS_IS(STATUS_SUCCESS, RxCeBuildTransport(&Transport, &Udp, 1));
    Status = RxCeBuildAddress(&Address, &Transport, (PTRANSPORT_ADDRESS)&Local, &AddressHandlers, &Ears);
    if (Status == STATUS_SUCCESS)
        STATUS_IS(STATUS_SUCCESS, RxCeTearDownAddress(&Address));
    else
        STATUS_IS(STATUS_NOT_SUPPORTED, Status);
    STATUS_IS(STATUS_SUCCESS, RxCeTearDownTransport(&Transport));
    return Status == STATUS_SUCCESS;
}

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

    if (!HasDatagrams()) {
        Skipped++;
        return;
    }
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
#ifdef RXCE_IN_DRIVER
#define DEVICE_OBJECT_PLACE RxCeHostDevice()
#else
static int DeviceObject;
#define DEVICE_OBJECT_PLACE ((PVOID)&DeviceObject)
#endif

static NTSTATUS NTAPI OnConnected(PRXCE_CONNECTION_COMPLETION_CONTEXT Context)
{
    (void)Context;
    pthread_mutex_lock(&Ears.Lock);
    ReferencesAtCompletion = RxCeHostDeviceReferences(DEVICE_OBJECT_PLACE);
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
    RACE Good = {RxCeSelectFirstSuccessfulTransport, 3, Addresses, DEVICE_OBJECT_PLACE, &Tcp, &Information, &Handlers, NULL, &Context};
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
    /* An address that is for something else; one that is none does as well. */
    memset(&Datagrams, 0, sizeof Datagrams);
    if (HasDatagrams())
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
    CHECK(RxCeHostDeviceReferences(DEVICE_OBJECT_PLACE) == 0 && One.Address.ConnectionCount == 0);

    /* The first, waiting for it. */
    STATUS_IS(STATUS_SUCCESS, InWorker(&Good));
    CHECK(Context.Status == STATUS_SUCCESS && (Context.AddressIndex == 1 || Context.AddressIndex == 2));
    CHECK(Connections[0].pAddress == Addresses[Context.AddressIndex] && Vcs[0].State == RXCE_VC_STATE_ACTIVE);
    CHECK(Context.pConnectionInformation == Connections[0].pConnectionInformation);
    CHECK(One.Address.ConnectionCount + Two.Address.ConnectionCount == 1); /* losers have left */
    CHECK(RxCeHostDeviceReferences(DEVICE_OBJECT_PLACE) == 0);
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
    if (Datagrams.Transport.Signature.Word)
        MoveOut(&Datagrams);
}
