/*
 * rxprocshost.h - the object tree of rxprocs.h in an ordinary process: what stands above it, played for tests.
 */
#ifndef _RXPROCSHOST_
#define _RXPROCSHOST_

#include "rxprocs.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef STATUS_REDIRECTOR_HAS_OPEN_HANDLES
#define STATUS_REDIRECTOR_HAS_OPEN_HANDLES ((NTSTATUS)0x80000023)
#endif
#ifndef STATUS_CONNECTION_ACTIVE
#define STATUS_CONNECTION_ACTIVE ((NTSTATUS)0xC000023B)
#endif

/* The tree. STATUS_REDIRECTOR_HAS_OPEN_HANDLES while anything is in it, or referenced. */
NTSTATUS NTAPI RxHostInitialize(VOID);
NTSTATUS NTAPI RxHostUninitialize(VOID);

/* Takes the reference that adding a connection takes: STATUS_CONNECTION_ACTIVE when it has been taken. */
NTSTATUS NTAPI RxHostAddConnection(PV_NET_ROOT VNetRoot);

/* Handles, and requests on them (ended with RxDereferenceAndDeleteRxContext). */
NTSTATUS NTAPI RxHostOpen(PV_NET_ROOT VNetRoot, PUNICODE_STRING Path, BOOLEAN Directory, PFOBX *Fobx);
NTSTATUS NTAPI RxHostClose(PFOBX Fobx);
/* The two halves of RxHostOpen, before and after the server answers. */
NTSTATUS NTAPI RxHostBeginOpen(PV_NET_ROOT VNetRoot, PUNICODE_STRING Path, BOOLEAN Directory, PFOBX *Fobx);
NTSTATUS NTAPI RxHostCompleteOpen(PFOBX Fobx, BOOLEAN Directory);
NTSTATUS NTAPI RxHostBeginRequest(PFOBX Fobx, UCHAR MajorFunction, UCHAR MinorFunction, PRX_CONTEXT *RxContext);
BOOLEAN NTAPI RxHostIsCancelled(PRX_CONTEXT RxContext);
NTSTATUS NTAPI RxHostCancel(PRX_CONTEXT RxContext);
/* Gives a request the file of a handle to itself until it ends: STATUS_LOCK_NOT_GRANTED when another has it. */
NTSTATUS NTAPI RxHostAcquireExclusiveFcb(PRX_CONTEXT RxContext, PFOBX Fobx);
/* On whose behalf the finalising routines are called; NULL: nobody's. */
NTSTATUS NTAPI RxHostActFor(PRX_CONTEXT RxContext);

/* What a drive letter leads to, or NULL; how often an object is referenced, 0 when it is gone. */
PV_NET_ROOT NTAPI RxHostFindDrive(WCHAR Letter);
ULONG NTAPI RxHostReferences(PVOID Instance);

#ifdef __cplusplus
}
#endif

#endif
