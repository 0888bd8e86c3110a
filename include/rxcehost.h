/*
 * rxcehost.h - the engine of rxce.h in an ordinary process, which plays the part of the NT kernel.
 *
 * Link with libddihost (and -lpthread -ldl -lm). The transports are \Device\Tcp, \Device\Tcp6, \Device\Udp and \Device\Udp6, on
 * the host's sockets. Nothing here exists in a driver.
 */
#ifndef _RXCEHOST_
#define _RXCEHOST_

#include "rxce.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef STATUS_CONNECTION_IN_USE
#define STATUS_CONNECTION_IN_USE ((NTSTATUS)0xC0000108)
#define STATUS_REDIRECTOR_NOT_STARTED ((NTSTATUS)0xC00000FB)
#define STATUS_REDIRECTOR_STARTED ((NTSTATUS)0xC00000FC)
#endif

typedef struct _RXCE_HOST_OPTIONS {
    ULONG Threads;                    /* that handlers are called on; at least 2 */
    ULONG ConnectTimeoutMilliseconds; /* 0: 30 seconds */
    UCHAR AdapterAddress[6];          /* all zero: none */
} RXCE_HOST_OPTIONS, *PRXCE_HOST_OPTIONS;

typedef NTSTATUS(NTAPI *PRXCE_HOST_ROUTINE)(PVOID Context);

/* Starts the engine; pOptions may be NULL. STATUS_REDIRECTOR_STARTED when it runs already. */
NTSTATUS NTAPI RxCeHostInitialize(PRXCE_HOST_OPTIONS pOptions);

/* Stops it. STATUS_CONNECTION_IN_USE, and it runs on, while something is built. STATUS_REDIRECTOR_NOT_STARTED. */
NTSTATUS NTAPI RxCeHostUninitialize(VOID);

/* Calls Routine in a system worker thread and waits for it; at DISPATCH_LEVEL. The answer is Routine's. */
NTSTATUS NTAPI RxCeHostRunInWorkerThread(PRXCE_HOST_ROUTINE Routine, PVOID Context);
NTSTATUS NTAPI RxCeHostRunAtDispatchLevel(PRXCE_HOST_ROUTINE Routine, PVOID Context);

/* The transport reports an error of the whole address. */
NTSTATUS NTAPI RxCeHostFailAddress(PRXCE_ADDRESS pAddress, NTSTATUS Failure);

/* Makes pMdl describe Length bytes at Base. */
VOID NTAPI RxCeHostInitializeMdl(PMDL pMdl, PVOID Base, ULONG Length);

/* How often the engine holds a reference on the device object. */
ULONG NTAPI RxCeHostDeviceReferences(PVOID pDevice);

/* How often a routine was called where it must not be. RXCE_TRACE in the environment has each told on standard error. */
ULONG NTAPI RxCeHostViolations(VOID);

#ifdef __cplusplus
}
#endif

#endif
