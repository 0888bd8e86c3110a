/*
 * A C program that walks the truth table of RxFinalizeConnection, and the routines around it. Prints one line for each check.
 */
#include "rxprocshost.h"

#include "check.h"

static WCHAR Units[16][64];

/* A name, good until sixteen others have been made. */
static PUNICODE_STRING N(const char *Text)
{
    static UNICODE_STRING Names[16];
    static int Next;
    int This = Next++ % 16;
    USHORT Length = 0;
    for (; Text[Length]; Length++)
        Units[This][Length] = (WCHAR)(unsigned char)Text[Length];
    Names[This].Length = Names[This].MaximumLength = (USHORT)(Length * 2);
    Names[This].Buffer = Units[This];
    return &Names[This];
}

#define IRP_MJ_READ 3
#define IRP_MJ_CLOSE 2
#define IRP_MJ_DIRECTORY_CONTROL 12
#define IRP_MN_NOTIFY_CHANGE_DIRECTORY 2

/* A server with a share and a view of it at X:, all referenced by us. */
typedef struct _WORLD {
    PRX_CONTEXT Context;
    PSRV_CALL SrvCall;
    PNET_ROOT NetRoot;
    PV_NET_ROOT X;
} WORLD;

static WORLD Build(void)
{
    WORLD World;
    STATUS_IS(STATUS_SUCCESS, RxHostInitialize());
    World.Context = RxCreateRxContext(NULL, NULL, 0);
    World.SrvCall = RxCreateSrvCall(World.Context, N("\\server"), NULL, NULL);
    World.NetRoot = RxCreateNetRoot(World.SrvCall, N("\\server\\share"), 0, NULL);
    World.X = RxCreateVNetRoot(World.Context, World.NetRoot, N("\\;X:\\server\\share"), N("\\;X:"), NULL, NULL);
    CHECK(World.Context && World.SrvCall && World.NetRoot && World.X);
    return World;
}

static void LetGo(WORLD *World)
{
    if (RxHostReferences(World->X))
        RxDereference(World->X, LHS_ExclusiveLockHeld);
    RxDereference(World->NetRoot, LHS_ExclusiveLockHeld);
    RxDereference(World->SrvCall, LHS_ExclusiveLockHeld);
    RxDereferenceAndDeleteRxContext(World->Context);
    CHECK(RxHostReferences(World->X) == 0 && RxHostReferences(World->NetRoot) == 0 && RxHostReferences(World->SrvCall) == 0);
    STATUS_IS(STATUS_SUCCESS, RxHostUninitialize());
}

/* ------------------------------------------------------------------ the truth table */
enum { NOTHING, FILE_HANDLE, DIRECTORY_HANDLE, NOTIFICATION };

typedef struct _ROW {
    const char *Name;
    ULONG Level;
    int Open, Notify, Reference; /* before */
    NTSTATUS Result;
    int ReferenceAfter, FoundAfter; /* while we hold the view ourselves */
} ROW;

static const ROW Rows[] = {
    {"FALSE, idle", 0, NOTHING, 0, 1, STATUS_SUCCESS, 0, 1},
    {"FALSE, file open", 0, FILE_HANDLE, 0, 1, STATUS_FILES_OPEN, 1, 1},
    {"FALSE, notification", 0, DIRECTORY_HANDLE, 1, 1, STATUS_FILES_OPEN, 1, 1},
    {"FALSE, directory open", 0, DIRECTORY_HANDLE, 0, 1, STATUS_FILES_OPEN, 1, 1},
    {"0xff, file open", 0xFF, FILE_HANDLE, 0, 1, STATUS_FILES_OPEN, 0, 1},
    {"0xff, notification", 0xFF, DIRECTORY_HANDLE, 1, 1, STATUS_FILES_OPEN, 0, 1},
    {"0xff, idle", 0xFF, NOTHING, 0, 1, STATUS_SUCCESS, 0, 1},
    {"TRUE, file open and notification", 1, FILE_HANDLE, 1, 1, STATUS_SUCCESS, 0, 0},
    {"TRUE, directory open", 1, DIRECTORY_HANDLE, 0, 1, STATUS_SUCCESS, 0, 0},
    {"TRUE, idle, no reference", 1, NOTHING, 0, 0, STATUS_SUCCESS, 0, 0},
    {"FALSE, idle, no reference", 0, NOTHING, 0, 0, STATUS_SUCCESS, 0, 1},
};

static void Walk(const ROW *Row)
{
    WORLD World;
    PFOBX Fobx = NULL;
    PRX_CONTEXT Notify = NULL, Read = NULL, Other = NULL;
    ULONG Idle;

    printf("# %s\n", Row->Name);
    World = Build();
    Idle = RxHostReferences(World.X);
    if (Row->Reference) {
        STATUS_IS(STATUS_SUCCESS, RxHostAddConnection(World.X));
        STATUS_IS(STATUS_CONNECTION_ACTIVE, RxHostAddConnection(World.X)); /* at most one */
        CHECK(RxHostReferences(World.X) == Idle + 1);
    }
    if (Row->Open) {
        STATUS_IS(STATUS_SUCCESS, RxHostOpen(World.X, N("\\file"), Row->Open == DIRECTORY_HANDLE, &Fobx));
        STATUS_IS(STATUS_SUCCESS, RxHostBeginRequest(Fobx, IRP_MJ_READ, 0, &Read));
    }
    if (Row->Notify)
        STATUS_IS(STATUS_SUCCESS, RxHostBeginRequest(Fobx, IRP_MJ_DIRECTORY_CONTROL, IRP_MN_NOTIFY_CHANGE_DIRECTORY, &Notify));

    STATUS_IS(Row->Result, RxFinalizeConnection(World.NetRoot, World.X, Row->Level));
    CHECK((RxHostFindDrive('x') == World.X) == Row->FoundAfter);
    if (Row->Open) {
        /* Forced: everything under way is cancelled, new requests fail, close works. Otherwise nothing has changed. */
        CHECK(RxHostIsCancelled(Read) == (Row->Level == 1));
        if (Notify)
            CHECK(RxHostIsCancelled(Notify) == (Row->Level == 1));
        STATUS_IS(Row->Level == 1 ? STATUS_UNEXPECTED_NETWORK_ERROR : STATUS_SUCCESS,
                  RxHostBeginRequest(Fobx, IRP_MJ_READ, 0, &Other));
        if (Other)
            RxDereferenceAndDeleteRxContext(Other);
        RxDereferenceAndDeleteRxContext(Read);
        if (Notify)
            RxDereferenceAndDeleteRxContext(Notify);
        STATUS_IS(STATUS_SUCCESS, RxHostClose(Fobx));
    }
    CHECK(RxHostReferences(World.X) == Idle + (ULONG)Row->ReferenceAfter);
    if (Row->Result == STATUS_SUCCESS && Row->Level != 1) {
        /* Again: no second reference is dropped. */
        STATUS_IS(STATUS_SUCCESS, RxFinalizeConnection(World.NetRoot, World.X, Row->Level));
        CHECK(RxHostReferences(World.X) == Idle);
    }
    if (Row->ReferenceAfter)
        STATUS_IS(STATUS_SUCCESS, RxFinalizeConnection(World.NetRoot, World.X, 0xFF));
    /* It goes with our own reference. */
    RxDereference(World.X, LHS_ExclusiveLockHeld);
    CHECK(RxHostReferences(World.X) == 0 && RxHostFindDrive('X') == NULL);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxFinalizeConnection(World.NetRoot, World.X, 0));
    LetGo(&World);
}

/* ------------------------------------------------------------------ around it */
static void Creation(void)
{
    WORLD World = Build();
    PV_NET_ROOT Deviceless, Same, Deep;
    PNET_ROOT Unbound;

    CHECK(RxCreateSrvCall(NULL, N("\\server"), NULL, NULL) == NULL);
    CHECK(RxCreateSrvCall(World.Context, NULL, NULL, NULL) == NULL);
    CHECK(RxCreateSrvCall(World.Context, N("server"), NULL, NULL) == NULL);
    CHECK(RxCreateSrvCall(World.Context, N("\\"), NULL, NULL) == NULL);
    CHECK(RxCreateNetRoot(NULL, N("\\server\\other"), 0, NULL) == NULL);
    CHECK(RxCreateNetRoot((PSRV_CALL)World.X, N("\\server\\other"), 0, NULL) == NULL);
    CHECK(RxCreateNetRoot(World.SrvCall, N("\\foreign\\share"), 0, NULL) == NULL);
    CHECK(RxCreateNetRoot(World.SrvCall, N("\\server"), 0, NULL) == NULL);
    CHECK(RxCreateNetRoot(World.SrvCall, N("\\serverside\\share"), 0, NULL) == NULL);
#define VIEW(Root, Name, Local) RxCreateVNetRoot(World.Context, Root, N(Name), Local, NULL, NULL)
    CHECK(VIEW(NULL, "\\;Y:\\server\\share", N("\\;Y:")) == NULL);
    CHECK(VIEW((PNET_ROOT)World.SrvCall, "\\;Y:\\server\\share", N("\\;Y:")) == NULL);
    CHECK(VIEW(World.NetRoot, "\\;Y:\\server\\other", N("\\;Y:")) == NULL);
    CHECK(VIEW(World.NetRoot, "\\;Y:\\server\\share", N("\\;Z:")) == NULL);
    CHECK(VIEW(World.NetRoot, "\\;X:\\server\\share", N("\\;X:")) == NULL); /* taken */
    CHECK(RxCreateVNetRoot(NULL, World.NetRoot, N("\\;Y:\\server\\share"), N("\\;Y:"), NULL, NULL) == NULL);

    /* Two views of one share are two objects; without a drive letter there is but one. */
    Deviceless = VIEW(World.NetRoot, "\\server\\share", NULL);
    Same = VIEW(World.NetRoot, "\\server\\share", NULL);
    CHECK(Deviceless && Deviceless == Same && Deviceless != World.X);
    Deep = VIEW(World.NetRoot, "\\;Y:\\server\\share\\below\\it", N("\\;Y:"));
    CHECK(Deep && RxHostFindDrive('Y') == Deep);
    /* Taking one away does not disturb the others. */
    STATUS_IS(STATUS_SUCCESS, RxFinalizeConnection(World.NetRoot, World.X, 1));
    CHECK(RxHostFindDrive('X') == NULL && RxHostFindDrive('Y') == Deep);
    CHECK(RxHostReferences(World.NetRoot) > 1);

    /* A share without a view, and its server's count. */
    Unbound = RxCreateNetRoot(World.SrvCall, N("\\server\\second"), 0, NULL);
    CHECK(Unbound && RxHostReferences(Unbound) == 2);
    CHECK(RxCreateNetRoot(World.SrvCall, N("\\server\\second"), 0, NULL) == Unbound && RxHostReferences(Unbound) == 3);
    STATUS_IS(STATUS_SUCCESS, RxFinalizeConnection(Unbound, NULL, 0)); /* of no views */
    RxDereference(Unbound, LHS_LockNotHeld);
    CHECK(RxFinalizeNetRoot(Unbound, TRUE, TRUE) == FALSE); /* we hold it; but its name is gone */
    CHECK(VIEW(Unbound, "\\server\\second", NULL) == NULL);
    RxReference(Unbound);
    RxDereference(Unbound, LHS_LockNotHeld);
    RxDereference(Unbound, LHS_LockNotHeld);
    CHECK(RxHostReferences(Unbound) == 0);

    /* A server is found by its name, however it is written. */
    CHECK(RxCreateSrvCall(World.Context, N("\\SERVER"), NULL, NULL) == World.SrvCall);
    RxDereference(World.SrvCall, LHS_LockNotHeld);
    STATUS_IS(STATUS_SUCCESS, RxSetSrvCallDomainName(World.SrvCall, N("domain")));
    STATUS_IS(STATUS_SUCCESS, RxSetSrvCallDomainName(World.SrvCall, NULL));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxSetSrvCallDomainName((PSRV_CALL)World.X, N("domain")));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxSetSrvCallDomainName(NULL, NULL));

    STATUS_IS(STATUS_REDIRECTOR_HAS_OPEN_HANDLES, RxHostUninitialize());
    RxDereference(Deviceless, LHS_ExclusiveLockHeld);
    CHECK(RxHostReferences(Deviceless) > 0);
    RxDereference(Deviceless, LHS_ExclusiveLockHeld);
    CHECK(RxHostReferences(Deviceless) == 0);
    RxDereference(Deep, LHS_ExclusiveLockHeld);
    LetGo(&World);
}

static void Parameters(void)
{
    WORLD World = Build();
    PSRV_CALL Second = RxCreateSrvCall(World.Context, N("\\second@1234"), NULL, NULL);
    PNET_ROOT Foreign = RxCreateNetRoot(Second, N("\\second@1234\\share"), 0, NULL);
    PV_NET_ROOT ForeignView = VIEW(Foreign, "\\;Z:\\second@1234\\share", N("\\;Z:"));

    CHECK(Second && Foreign && ForeignView);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxFinalizeConnection(NULL, NULL, 0));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxFinalizeConnection((PNET_ROOT)World.X, NULL, 0));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxFinalizeConnection(World.NetRoot, (PV_NET_ROOT)World.NetRoot, 0));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxFinalizeConnection(World.NetRoot, (PV_NET_ROOT)0x1234, 0));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxFinalizeConnection(World.NetRoot, ForeignView, 0)); /* of another share */
    STATUS_IS(STATUS_INVALID_PARAMETER, RxFinalizeConnection(World.NetRoot, World.X, 2));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxFinalizeConnection(World.NetRoot, World.X, 0xFFFFFFFF));
    RxReference(NULL);
    RxReference((PVOID)0x1234);
    RxDereference(NULL, LHS_LockNotHeld);
    RxDereference(World.Context, LHS_LockNotHeld);
    RxForceFinalizeAllVNetRoots(NULL);
    CHECK(!RxFinalizeVNetRoot(NULL, TRUE, TRUE) && !RxFinalizeNetRoot(NULL, TRUE, TRUE) && !RxFinalizeSrvCall(NULL, TRUE));
    CHECK(RxHostFindDrive('X') == World.X && RxHostFindDrive('Z') == ForeignView);
    RxDereference(ForeignView, LHS_ExclusiveLockHeld);
    RxDereference(Foreign, LHS_ExclusiveLockHeld);
    RxDereference(Second, LHS_ExclusiveLockHeld);
    LetGo(&World);
}

static void Force(void)
{
    WORLD World = Build();
    PV_NET_ROOT Y = VIEW(World.NetRoot, "\\;Y:\\server\\share", N("\\;Y:"));
    PFOBX OnX, OnY;
    ULONG References;

    STATUS_IS(STATUS_SUCCESS, RxHostAddConnection(World.X));
    STATUS_IS(STATUS_SUCCESS, RxHostAddConnection(Y));
    STATUS_IS(STATUS_SUCCESS, RxHostOpen(World.X, N("\\one"), FALSE, &OnX));
    STATUS_IS(STATUS_SUCCESS, RxHostOpen(Y, N("\\two"), FALSE, &OnY));
    /* All views of a share: the first that refuses ends it. */
    STATUS_IS(STATUS_FILES_OPEN, RxFinalizeConnection(World.NetRoot, NULL, 0));
    CHECK(!RxFinalizeVNetRoot(World.X, TRUE, FALSE) && !RxFinalizeNetRoot(World.NetRoot, TRUE, FALSE));
    CHECK(!RxFinalizeSrvCall(World.SrvCall, FALSE) && RxHostFindDrive('X') == World.X);
    RxForceFinalizeAllVNetRoots(World.NetRoot);
    CHECK(RxHostFindDrive('X') == NULL && RxHostFindDrive('Y') == NULL);
    /* Names are gone, memory waits for handles and references. */
    CHECK(RxHostReferences(World.X) > 0 && RxHostReferences(Y) > 0);
    STATUS_IS(STATUS_SUCCESS, RxHostClose(OnX));
    STATUS_IS(STATUS_SUCCESS, RxHostClose(OnY));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxHostClose(OnY));
    RxDereference(Y, LHS_ExclusiveLockHeld);
    CHECK(RxHostReferences(Y) == 0);

    /* A share that was taken away is not made anew under the old pointer. */
    CHECK(VIEW(World.NetRoot, "\\;Y:\\server\\share", N("\\;Y:")) == NULL);

    /* Counts: two more references keep it; each is given back by itself. */
    References = RxHostReferences(World.SrvCall);
    RxReference(World.SrvCall);
    CHECK(RxHostReferences(World.SrvCall) == References + 1);
    RxDereference(World.SrvCall, LHS_SharedLockHeld);
    CHECK(RxHostReferences(World.SrvCall) == References);
    LetGo(&World);

    /* A server, with all that is on it. */
    World = Build();
    Y = VIEW(World.NetRoot, "\\;Y:\\server\\share", N("\\;Y:"));
    STATUS_IS(STATUS_SUCCESS, RxHostAddConnection(World.X));
    STATUS_IS(STATUS_SUCCESS, RxHostAddConnection(Y));
    RxDereference(Y, LHS_ExclusiveLockHeld);
    CHECK(RxHostFindDrive('Y') == Y);                            /* its connection was added */
    CHECK(RxFinalizeVNetRoot(Y, TRUE, TRUE) && !RxHostFindDrive('Y')); /* nobody holds it: gone at once */
    CHECK(!RxFinalizeSrvCall(World.SrvCall, TRUE));              /* we hold it */
    CHECK(RxHostFindDrive('X') == NULL);
    LetGo(&World);
}

/* ------------------------------------------------------------------ cancellation */
static PRX_CONTEXT Cancelled[4];
static int Cancellations;

static NTSTATUS NTAPI OnCancel(PRX_CONTEXT RxContext)
{
    Cancelled[Cancellations++ % 4] = RxContext;
    RxDereferenceAndDeleteRxContext(RxContext); /* no lock is held: it may call back */
    return STATUS_SUCCESS;
}

static PRX_CONTEXT Both[2];

/* What one of two that belong together ends is not cancelled any more. */
static NTSTATUS NTAPI OnCancelEndBoth(PRX_CONTEXT RxContext)
{
    Cancelled[Cancellations++ % 4] = RxContext;
    RxDereferenceAndDeleteRxContext(Both[0]);
    RxDereferenceAndDeleteRxContext(Both[1]);
    return STATUS_SUCCESS;
}

static void EndedTogether(void)
{
    WORLD World = Build();
    PFOBX File;
    int i;

    Cancellations = 0;
    STATUS_IS(STATUS_SUCCESS, RxHostOpen(World.X, N("\\f"), FALSE, &File));
    for (i = 0; i < 2; i++) {
        STATUS_IS(STATUS_SUCCESS, RxHostBeginRequest(File, IRP_MJ_READ, 0, &Both[i]));
        STATUS_IS(STATUS_SUCCESS, RxSetMinirdrCancelRoutine(Both[i], OnCancelEndBoth));
    }
    STATUS_IS(STATUS_SUCCESS, RxFinalizeConnection(World.NetRoot, World.X, 1));
    CHECK(Cancellations == 1);
    STATUS_IS(STATUS_SUCCESS, RxHostClose(File));
    LetGo(&World);
}

static void Cancellation(void)
{
    WORLD World = Build();
    PRX_CONTEXT Read, Write, Quiet, Ended;
    PFOBX File;

    Cancellations = 0;
    STATUS_IS(STATUS_SUCCESS, RxHostOpen(World.X, N("\\f"), FALSE, &File));
    STATUS_IS(STATUS_SUCCESS, RxHostBeginRequest(File, IRP_MJ_READ, 0, &Read));
    STATUS_IS(STATUS_SUCCESS, RxHostBeginRequest(File, IRP_MJ_READ, 0, &Write));
    STATUS_IS(STATUS_SUCCESS, RxHostBeginRequest(File, IRP_MJ_READ, 0, &Quiet));
    STATUS_IS(STATUS_SUCCESS, RxHostBeginRequest(File, IRP_MJ_READ, 0, &Ended));
    STATUS_IS(STATUS_SUCCESS, RxSetMinirdrCancelRoutine(Read, OnCancel));
    STATUS_IS(STATUS_SUCCESS, RxSetMinirdrCancelRoutine(Write, OnCancel));
    STATUS_IS(STATUS_SUCCESS, RxSetMinirdrCancelRoutine(Quiet, OnCancel));
    STATUS_IS(STATUS_SUCCESS, RxSetMinirdrCancelRoutine(Quiet, NULL));
    STATUS_IS(STATUS_SUCCESS, RxSetMinirdrCancelRoutine(Ended, OnCancel));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxSetMinirdrCancelRoutine(NULL, OnCancel));
    RxDereferenceAndDeleteRxContext(Ended);
    STATUS_IS(STATUS_SUCCESS, RxHostCancel(Read));
    CHECK(Cancellations == 1 && Cancelled[0] == Read);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxHostCancel(Read)); /* it has ended */
    /* Taking the connection away cancels the rest, each once. */
    STATUS_IS(STATUS_SUCCESS, RxFinalizeConnection(World.NetRoot, World.X, 1));
    CHECK(Cancellations == 2 && Cancelled[1] == Write && RxHostIsCancelled(Quiet));
    STATUS_IS(STATUS_CANCELLED, RxSetMinirdrCancelRoutine(Quiet, OnCancel));
    RxDereferenceAndDeleteRxContext(Quiet);
    STATUS_IS(STATUS_SUCCESS, RxHostClose(File));
    CHECK(Cancellations == 2);
    LetGo(&World);
}

/* ------------------------------------------------------------------ the statuses of a refusal */
static void Refusals(void)
{
    WORLD World = Build();
    PRX_CONTEXT Holder = RxCreateRxContext(NULL, NULL, 0), Caller = RxCreateRxContext(NULL, NULL, 0);
    PRX_CONTEXT Notify, Late;
    PFOBX Directory, File;

    STATUS_IS(STATUS_SUCCESS, RxHostAddConnection(World.X));
    /* Only a directory is being opened. */
    STATUS_IS(STATUS_SUCCESS, RxHostBeginOpen(World.X, N("\\d"), TRUE, &Directory));
    STATUS_IS(STATUS_CONNECTION_IN_USE, RxFinalizeConnection(World.NetRoot, World.X, 0));
    /* A file, too. */
    STATUS_IS(STATUS_SUCCESS, RxHostBeginOpen(World.X, N("\\f"), FALSE, &File));
    STATUS_IS(STATUS_FILES_OPEN, RxFinalizeConnection(World.NetRoot, World.X, 0));
    /* Which somebody has to itself. */
    STATUS_IS(STATUS_SUCCESS, RxHostAcquireExclusiveFcb(Holder, File));
    STATUS_IS(STATUS_LOCK_NOT_GRANTED, RxHostAcquireExclusiveFcb(Caller, File));
    STATUS_IS(STATUS_LOCK_NOT_GRANTED, RxFinalizeConnection(World.NetRoot, World.X, 0));
    STATUS_IS(STATUS_LOCK_NOT_GRANTED, RxFinalizeConnection(World.NetRoot, NULL, 0));
    RxDereferenceAndDeleteRxContext(Holder);
    STATUS_IS(STATUS_FILES_OPEN, RxFinalizeConnection(World.NetRoot, World.X, 0));
    STATUS_IS(STATUS_SUCCESS, RxHostCompleteOpen(Directory, TRUE));
    STATUS_IS(STATUS_SUCCESS, RxHostCompleteOpen(File, FALSE));
    STATUS_IS(STATUS_INVALID_PARAMETER, RxHostCompleteOpen(File, FALSE));
    STATUS_IS(STATUS_FILES_OPEN, RxFinalizeConnection(World.NetRoot, World.X, 0));
    STATUS_IS(STATUS_SUCCESS, RxHostClose(File));

    /* A notification that is to end is no use any more, though it has not ended yet. */
    STATUS_IS(STATUS_SUCCESS, RxHostBeginRequest(Directory, IRP_MJ_DIRECTORY_CONTROL, IRP_MN_NOTIFY_CHANGE_DIRECTORY, &Notify));
    STATUS_IS(STATUS_SUCCESS, RxHostClose(Directory));
    CHECK(RxHostIsCancelled(Notify));

    /* A caller that is cancelled changes nothing, even by force; nor does it make anything. */
    STATUS_IS(STATUS_SUCCESS, RxHostActFor(Caller));
    STATUS_IS(STATUS_SUCCESS, RxHostCancel(Caller));
    STATUS_IS(STATUS_CANCELLED, RxFinalizeConnection(World.NetRoot, World.X, 0));
    STATUS_IS(STATUS_CANCELLED, RxFinalizeConnection(World.NetRoot, World.X, 0xFF));
    STATUS_IS(STATUS_CANCELLED, RxFinalizeConnection(World.NetRoot, World.X, 1));
    CHECK(RxHostFindDrive('X') == World.X);
    STATUS_IS(STATUS_CONNECTION_ACTIVE, RxHostAddConnection(World.X)); /* its reference is there */
    CHECK(RxCreateSrvCall(Caller, N("\\other"), NULL, NULL) == NULL);
    CHECK(RxCreateVNetRoot(Caller, World.NetRoot, N("\\;Y:\\server\\share"), N("\\;Y:"), NULL, NULL) == NULL);
    CHECK(RxCreateNetFcb(Caller, World.X, N("\\f")) == NULL);
    STATUS_IS(STATUS_SUCCESS, RxHostActFor(NULL));
    RxDereferenceAndDeleteRxContext(Caller);

    /* The caller itself is not cancelled by what it asks for. */
    Late = RxCreateRxContext(NULL, NULL, 0);
    STATUS_IS(STATUS_SUCCESS, RxHostActFor(Late));
    STATUS_IS(STATUS_SUCCESS, RxFinalizeConnection(World.NetRoot, World.X, 0));
    CHECK(!RxHostIsCancelled(Late));
    STATUS_IS(STATUS_SUCCESS, RxHostActFor(NULL));
    RxDereferenceAndDeleteRxContext(Late);
    RxDereferenceAndDeleteRxContext(Notify);
    LetGo(&World);
}

/* ------------------------------------------------------------------ files, opens and handles, one at a time */
static void Files(void)
{
    WORLD World = Build();
    PV_NET_ROOT Y = VIEW(World.NetRoot, "\\;Y:\\server\\share", N("\\;Y:"));
    PNET_ROOT Other = RxCreateNetRoot(World.SrvCall, N("\\server\\other"), 0, NULL);
    PV_NET_ROOT Z = VIEW(Other, "\\;Z:\\server\\other", N("\\;Z:"));
    PFCB Fcb = RxCreateNetFcb(World.Context, World.X, N("\\d\\f"));
    PSRV_OPEN SrvOpen = RxCreateSrvOpen(World.X, Fcb), Second;
    PFOBX Fobx = RxCreateNetFobx(World.Context, SrvOpen);
    ULONG View = RxHostReferences(World.X);

    CHECK(Y && Z && Fcb && SrvOpen && Fobx);
    CHECK(RxHostReferences(Fcb) == 3 && RxHostReferences(SrvOpen) == 2 && RxHostReferences(Fobx) == 1);
    CHECK(RxCreateNetFcb(World.Context, Y, N("\\d\\f")) == Fcb); /* one file, whatever the view */
    CHECK(RxpDereferenceNetFcb(Fcb) == 3 && RxpReferenceNetFcb(Fcb) == 4 && RxpDereferenceNetFcb(Fcb) == 3);
    CHECK(RxCreateNetFcb(World.Context, World.X, N("d")) == NULL);
    CHECK(RxCreateNetFcb(World.Context, World.X, N("\\")) == NULL);
    CHECK(RxCreateNetFcb(World.Context, World.X, N("\\a\\..\\b")) == NULL);
    CHECK(RxCreateNetFcb(NULL, World.X, N("\\f")) == NULL && RxCreateNetFcb(World.Context, NULL, N("\\f")) == NULL);
    CHECK(RxCreateSrvOpen(Z, Fcb) == NULL && RxCreateSrvOpen(World.X, NULL) == NULL && RxCreateSrvOpen(NULL, Fcb) == NULL);
    CHECK(RxCreateNetFobx(World.Context, NULL) == NULL && RxCreateNetFobx(NULL, SrvOpen) == NULL);
    CHECK(RxpReferenceNetFcb((PFCB)SrvOpen) == 0 && RxpDereferenceNetFcb(NULL) == 0);
    RxReference(SrvOpen);
    RxReference(Fobx);
    RxReference(Fcb); /* FCBs have routines of their own */
    CHECK(RxHostReferences(Fcb) == 3 && RxHostReferences(SrvOpen) == 3 && RxHostReferences(Fobx) == 2);
    /* In use: nothing goes without force. */
    CHECK(!RxFinalizeNetFobx(Fobx, TRUE, FALSE) && !RxFinalizeSrvOpen(SrvOpen, TRUE, FALSE));
    CHECK(!RxFinalizeNetFcb(Fcb, TRUE, FALSE, 3));
    STATUS_IS(STATUS_FILES_OPEN, RxFinalizeConnection(World.NetRoot, World.X, 0));
    RxDereference(Fobx, LHS_ExclusiveLockHeld);
    CHECK(RxHostReferences(Fobx) == 1);
    CHECK(RxFinalizeNetFobx(Fobx, TRUE, FALSE)); /* the one reference that it was made with */
    CHECK(RxHostReferences(Fobx) == 0 && !RxFinalizeNetFobx(Fobx, TRUE, TRUE));
    CHECK(RxCreateNetFobx(World.Context, SrvOpen) == NULL); /* closed with its last handle */
    CHECK(RxHostReferences(World.X) == View);
    RxDereference(SrvOpen, LHS_ExclusiveLockHeld);
    RxDereference(SrvOpen, LHS_ExclusiveLockHeld);
    CHECK(RxHostReferences(SrvOpen) == 0 && RxHostReferences(World.X) == View - 1);

    /* By force: closed on the server, its handle orphaned. */
    Second = RxCreateSrvOpen(World.X, Fcb);
    Fobx = RxCreateNetFobx(World.Context, Second);
    CHECK(Second && Fobx && !RxFinalizeSrvOpen(Second, TRUE, TRUE));
    CHECK(RxCreateNetFobx(World.Context, Second) == NULL);
    RxDereference(Fobx, LHS_ExclusiveLockHeld); /* its own reference: closes it */
    CHECK(RxHostReferences(Fobx) == 0);
    RxDereference(Second, LHS_ExclusiveLockHeld);
    CHECK(RxHostReferences(Second) == 0);
    CHECK(RxpDereferenceAndFinalizeNetFcb(Fcb, World.Context, TRUE, FALSE)); /* the last reference */
    CHECK(RxHostReferences(Fcb) == 0 && !RxFinalizeNetFcb(Fcb, TRUE, FALSE, 1));

    /* Nothing is opened through what was taken away. */
    RxForceFinalizeAllVNetRoots(Other);
    CHECK(RxCreateNetFcb(World.Context, Z, N("\\f")) == NULL);
    RxDereference(Z, LHS_ExclusiveLockHeld);
    RxDereference(Y, LHS_ExclusiveLockHeld);
    RxDereference(Other, LHS_ExclusiveLockHeld);
    LetGo(&World);
}

int main(void)
{
    size_t I;
    STATUS_IS(STATUS_INVALID_PARAMETER, RxFinalizeConnection(NULL, NULL, 0)); /* no tree */
    CHECK(RxCreateRxContext(NULL, NULL, 0) == NULL);
    for (I = 0; I < sizeof Rows / sizeof *Rows; I++)
        Walk(&Rows[I]);
    Creation();
    Parameters();
    Force();
    Refusals();
    Cancellation();
    EndedTogether();
    Files();
    printf("%d passed, %d failed\n", Passed, Failed);
    return Failed != 0;
}
