/*
 * rxprocs.h - the object tree: servers (SRV_CALL), shares (NET_ROOT), views of shares (V_NET_ROOT), files (FCB), opens on the
 * server (SRV_OPEN), handles (FOBX), and how they come and go.
 *
 * Objects are opaque: their pointers are not to be followed, and stale ones are refused. All routines: IRQL <= APC_LEVEL.
 * They take the tree's lock by themselves, where RDBSS wants its callers to hold the locks of its tables. What makes an
 * object holds a reference, to be given back with RxDereference.
 */
#ifndef _RXPROCS_
#define _RXPROCS_

#include "rxce.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _SRV_CALL *PSRV_CALL;
typedef struct _NET_ROOT *PNET_ROOT;
typedef struct _V_NET_ROOT *PV_NET_ROOT;
typedef struct _FCB *PFCB;
typedef struct _SRV_OPEN *PSRV_OPEN;
typedef struct _FOBX *PFOBX;
/* What a mini-redirector sees of them is the same opaque pointer. */
typedef PSRV_CALL PMRX_SRV_CALL;
typedef PNET_ROOT PMRX_NET_ROOT;
typedef PV_NET_ROOT PMRX_V_NET_ROOT;
typedef PFCB PMRX_FCB;
typedef PSRV_OPEN PMRX_SRV_OPEN;
typedef PFOBX PMRX_FOBX;
typedef struct _RX_CONTEXT *PRX_CONTEXT;
typedef struct _RX_CONNECTION_ID *PRX_CONNECTION_ID;

#ifndef LOGICAL
typedef ULONG RX_LOGICAL;
#else
typedef LOGICAL RX_LOGICAL;
#endif

typedef enum _LOCK_HOLDING_STATE { LHS_LockNotHeld, LHS_SharedLockHeld, LHS_ExclusiveLockHeld } LOCK_HOLDING_STATE;

#ifndef STATUS_FILES_OPEN
#define STATUS_FILES_OPEN ((NTSTATUS)0xC0000107)
#endif
#ifndef STATUS_CONNECTION_IN_USE
#define STATUS_CONNECTION_IN_USE ((NTSTATUS)0xC0000108)
#endif
#ifndef STATUS_CANCELLED
#define STATUS_CANCELLED ((NTSTATUS)0xC0000120)
#endif
#ifndef STATUS_LOCK_NOT_GRANTED
#define STATUS_LOCK_NOT_GRANTED ((NTSTATUS)0xC0000055)
#endif
#ifndef STATUS_UNEXPECTED_NETWORK_ERROR
#define STATUS_UNEXPECTED_NETWORK_ERROR ((NTSTATUS)0xC00000C4)
#endif

/* A context for work of the mini-redirector's own; the parameters are not used. NULL for want of memory. */
PRX_CONTEXT NTAPI RxCreateRxContext(PVOID Irp, PRDBSS_DEVICE_OBJECT RxDeviceObject, ULONG InitialContextFlags);
/* Ends it; its cancel routine is not called any more, unless it runs already. */
VOID NTAPI RxDereferenceAndDeleteRxContext(PRX_CONTEXT RxContext);
/* What is called, once and without a lock held, when the request is cancelled; NULL: nothing. STATUS_CANCELLED when it has been. */
typedef NTSTATUS(NTAPI *PMRX_CALLDOWN)(PRX_CONTEXT RxContext);
NTSTATUS NTAPI RxSetMinirdrCancelRoutine(PRX_CONTEXT RxContext, PMRX_CALLDOWN MRxCancelRoutine);

/* Name: \server or \server@port; \server\share; \;X:\server\share, or \server\share for a view without a drive letter. NULL when
   that cannot be. InnerNamePrefix, flags, connection ids and FilePath are not used. */
PSRV_CALL NTAPI RxCreateSrvCall(PRX_CONTEXT RxContext, PUNICODE_STRING Name, PUNICODE_STRING InnerNamePrefix,
                                PRX_CONNECTION_ID RxConnectionId);
PNET_ROOT NTAPI RxCreateNetRoot(PSRV_CALL SrvCall, PUNICODE_STRING Name, ULONG NetRootFlags, PRX_CONNECTION_ID RxConnectionId);
PV_NET_ROOT NTAPI RxCreateVNetRoot(PRX_CONTEXT RxContext, PNET_ROOT NetRoot, PUNICODE_STRING CanonicalName,
                                   PUNICODE_STRING LocalNetRootName, PUNICODE_STRING FilePath,
                                   PRX_CONNECTION_ID RxConnectionId);

/* Name: empty, or \path below the share. A file is found or made; an open and a handle are always made. A new handle is open and
   in use at once; its one reference is the caller's. NULL when that cannot be. */
PFCB NTAPI RxCreateNetFcb(PRX_CONTEXT RxContext, PV_NET_ROOT VNetRoot, PUNICODE_STRING Name);
PSRV_OPEN NTAPI RxCreateSrvOpen(PV_NET_ROOT VNetRoot, PFCB Fcb);
PMRX_FOBX NTAPI RxCreateNetFobx(PRX_CONTEXT RxContext, PMRX_SRV_OPEN MrxSrvOpen);

/* DomainName NULL or empty clears it. */
NTSTATUS NTAPI RxSetSrvCallDomainName(PMRX_SRV_CALL SrvCall, PUNICODE_STRING DomainName);

/* All but FCBs. */
VOID NTAPI RxReference(PVOID Instance);
VOID NTAPI RxDereference(PVOID Instance, LOCK_HOLDING_STATE LockHoldingState);

/* How many references there are then; 0 when it is gone. */
LONG NTAPI RxpReferenceNetFcb(PFCB Fcb);
LONG NTAPI RxpDereferenceNetFcb(PFCB Fcb);
BOOLEAN NTAPI RxpDereferenceAndFinalizeNetFcb(PFCB Fcb, PRX_CONTEXT RxContext, BOOLEAN RecursiveFinalize, BOOLEAN ForceFinalize);

/* ForceFilesClosed: FALSE, not while files or change notifications are open; TRUE, whatever is open; 0xff, as FALSE, but the
   reference that adding the connection took goes in any case. VNetRoot may be NULL: all of the share. */
NTSTATUS NTAPI RxFinalizeConnection(PNET_ROOT NetRoot, PV_NET_ROOT VNetRoot, RX_LOGICAL ForceFilesClosed);
VOID NTAPI RxForceFinalizeAllVNetRoots(PNET_ROOT NetRoot);

/* TRUE when the object is gone, memory and all. */
BOOLEAN NTAPI RxFinalizeVNetRoot(PV_NET_ROOT ThisVNetRoot, BOOLEAN RecursiveFinalize, BOOLEAN ForceFinalize);
BOOLEAN NTAPI RxFinalizeNetRoot(PNET_ROOT ThisNetRoot, BOOLEAN RecursiveFinalize, BOOLEAN ForceFinalize);
BOOLEAN NTAPI RxFinalizeSrvCall(PSRV_CALL ThisSrvCall, BOOLEAN ForceFinalize);
BOOLEAN NTAPI RxFinalizeNetFcb(PFCB ThisFcb, BOOLEAN RecursiveFinalize, BOOLEAN ForceFinalize, LONG ReferenceCount);
BOOLEAN NTAPI RxFinalizeSrvOpen(PSRV_OPEN ThisSrvOpen, BOOLEAN RecursiveFinalize, BOOLEAN ForceFinalize);
BOOLEAN NTAPI RxFinalizeNetFobx(PFOBX ThisFobx, BOOLEAN RecursiveFinalize, BOOLEAN ForceFinalize);

#ifdef __cplusplus
}
#endif

#endif
