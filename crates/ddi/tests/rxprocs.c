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
    CHECK(Unbound && RxHostReferences(Unbound) == 1);
    STATUS_IS(STATUS_INVALID_PARAMETER, RxFinalizeConnection(Unbound, NULL, 0));
    CHECK(RxFinalizeNetRoot(Unbound, TRUE, TRUE) == FALSE);
    RxReference(Unbound);
    RxDereference(Unbound, LHS_LockNotHeld);
    RxDereference(Unbound, LHS_LockNotHeld);
    CHECK(RxHostReferences(Unbound) == 0);

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
    printf("%d passed, %d failed\n", Passed, Failed);
    return Failed != 0;
}
