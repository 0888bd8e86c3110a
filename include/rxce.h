/*
 * rxce.h - the connection engine, by its documented routines.
 *
 * Include it after ntifs.h (or ntddk.h, wdm.h) and, if you use it, tdi.h; without a WDK it declares what it needs of both.
 * Sizes that matter to the other side are asserted at the end.
 *
 * Rules for all routines:
 *  - IRQL <= APC_LEVEL. RxCeBuildConnectionOverMultipleTransports and RxCeInitiateVCDisconnect must, RxCeBuildConnection
 *    should be called in a system worker thread. An event handler runs in one; but it must not call what waits: the Build
 *    routines for addresses, connections and circuits, the TearDown routines for addresses and circuits, synchronous sends.
 *    A routine that is called where it must not be answers STATUS_INVALID_PARAMETER.
 *  - The caller keeps the structures, Build makes them and TearDown zeroes them. They stay where they were built. What
 *    Build is given besides is copied.
 *  - Children go before their parents: a parent's TearDown is refused with STATUS_INVALID_PARAMETER.
 *  - Handlers are called at PASSIVE_LEVEL without any lock, for one circuit one at a time, until TearDown has returned.
 *    Their return values are ignored, but for those of the receive handlers.
 */
#ifndef _RXCE_
#define _RXCE_

#include <stddef.h>

#if !defined(_NTIFS_) && !defined(_NTDDK_) && !defined(_WDM_INCLUDED_) && !defined(_WDMDDK_) && !defined(_NTDEF_)
/* ------------------------------------------------------------------ what the WDK would declare */
#include <stdint.h>

#if defined(__i386__) || defined(_M_IX86)
#define NTAPI __attribute__((stdcall))
#else
#define NTAPI
#endif

typedef void VOID, *PVOID, *HANDLE;
typedef char CCHAR;
typedef unsigned char UCHAR, BOOLEAN, *PUCHAR;
typedef int16_t SHORT, CSHORT;
typedef uint16_t USHORT, WCHAR, *PWSTR;
typedef int32_t LONG, NTSTATUS;
typedef uint32_t ULONG, *PULONG;
typedef union _LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    int64_t QuadPart;
} LARGE_INTEGER;

#ifndef FALSE
#define FALSE 0
#define TRUE 1
#endif

typedef struct _UNICODE_STRING {
    USHORT Length; /* bytes */
    USHORT MaximumLength;
    PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;

typedef struct _MDL {
    struct _MDL *Next;
    CSHORT Size;
    CSHORT MdlFlags;
    PVOID Process;
    PVOID MappedSystemVa;
    PVOID StartVa;
    ULONG ByteCount;
    ULONG ByteOffset;
} MDL, *PMDL;

/* The first members. */
typedef struct _IRP {
    CSHORT Type;
    USHORT Size;
    PMDL MdlAddress;
} IRP, *PIRP;

typedef struct _DEVICE_OBJECT *PDEVICE_OBJECT;
typedef struct _FILE_OBJECT *PFILE_OBJECT;
typedef struct _KEVENT *PRKEVENT;

#define NT_SUCCESS(Status) ((NTSTATUS)(Status) >= 0)

#define STATUS_SUCCESS ((NTSTATUS)0x00000000)
#define STATUS_PENDING ((NTSTATUS)0x00000103)
#define STATUS_BUFFER_OVERFLOW ((NTSTATUS)0x80000005)
#define STATUS_NOT_IMPLEMENTED ((NTSTATUS)0xC0000002)
#define STATUS_INVALID_HANDLE ((NTSTATUS)0xC0000008)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xC000000D)
#define STATUS_MORE_PROCESSING_REQUIRED ((NTSTATUS)0xC0000016)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xC000009A)
#define STATUS_DEVICE_NOT_READY ((NTSTATUS)0xC00000A3)
#define STATUS_NOT_SUPPORTED ((NTSTATUS)0xC00000BB)
#define STATUS_IO_TIMEOUT ((NTSTATUS)0xC00000B5)
#define STATUS_CONNECTION_DISCONNECTED ((NTSTATUS)0xC000020C)
#define STATUS_DATA_NOT_ACCEPTED ((NTSTATUS)0xC000021B)
#define STATUS_CONNECTION_REFUSED ((NTSTATUS)0xC0000236)
#define STATUS_ADDRESS_NOT_ASSOCIATED ((NTSTATUS)0xC0000239)
#define STATUS_HOST_UNREACHABLE ((NTSTATUS)0xC000023D)
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if !defined(_TDI_USER_) && !defined(__TDI_H)
/* ------------------------------------------------------------------ what tdi.h would declare */
typedef PVOID CONNECTION_CONTEXT;

typedef struct _TDI_CONNECTION_INFORMATION {
    LONG UserDataLength;
    PVOID UserData;
    LONG OptionsLength;
    PVOID Options;
    LONG RemoteAddressLength;
    PVOID RemoteAddress; /* a TRANSPORT_ADDRESS */
} TDI_CONNECTION_INFORMATION, *PTDI_CONNECTION_INFORMATION;

typedef struct _TDI_CONNECTION_INFO {
    ULONG State;
    ULONG Event;
    ULONG TransmittedTsdus;
    ULONG ReceivedTsdus;
    ULONG TransmissionErrors;
    ULONG ReceiveErrors;
    LARGE_INTEGER Throughput;
    LARGE_INTEGER Delay;
    ULONG SendBufferSize;
    ULONG ReceiveBufferSize;
    BOOLEAN Unreliable;
} TDI_CONNECTION_INFO, *PTDI_CONNECTION_INFO;

typedef struct _TDI_PROVIDER_INFO {
    ULONG Version;
    ULONG MaxSendSize;
    ULONG MaxConnectionUserData;
    ULONG MaxDatagramSize;
    ULONG ServiceFlags;
    ULONG MinimumLookaheadData;
    ULONG MaximumLookaheadData;
    ULONG NumberOfResources;
    LARGE_INTEGER StartTime;
} TDI_PROVIDER_INFO, *PTDI_PROVIDER_INFO;

#define TDI_SERVICE_CONNECTION_MODE 0x00000001
#define TDI_SERVICE_ORDERLY_RELEASE 0x00000002
#define TDI_SERVICE_CONNECTIONLESS_MODE 0x00000004
#define TDI_SERVICE_ERROR_FREE_DELIVERY 0x00000008
#define TDI_SERVICE_INTERNAL_BUFFERING 0x00000200
#define TDI_SERVICE_NO_ZERO_LENGTH 0x00000800

/* Without padding, as they follow each other in lists. */
typedef struct _TA_ADDRESS {
    USHORT AddressLength;
    USHORT AddressType;
    UCHAR Address[1];
} TA_ADDRESS, *PTA_ADDRESS;

typedef struct _TRANSPORT_ADDRESS {
    LONG TAAddressCount;
    TA_ADDRESS Address[1];
} TRANSPORT_ADDRESS, *PTRANSPORT_ADDRESS;

typedef struct _TDI_ADDRESS_INFO {
    ULONG ActivityCount;
    TRANSPORT_ADDRESS Address;
} TDI_ADDRESS_INFO, *PTDI_ADDRESS_INFO;

#define TDI_ADDRESS_TYPE_IP 2
#define TDI_ADDRESS_TYPE_IP6 23

#pragma pack(push, 1)
typedef struct _TDI_ADDRESS_IP {
    USHORT sin_port; /* network order, as is all of an address */
    ULONG in_addr;
    UCHAR sin_zero[8];
} TDI_ADDRESS_IP, *PTDI_ADDRESS_IP;

typedef struct _TDI_ADDRESS_IP6 {
    USHORT sin6_port;
    ULONG sin6_flowinfo;
    USHORT sin6_addr[8];
    ULONG sin6_scope_id;
} TDI_ADDRESS_IP6, *PTDI_ADDRESS_IP6;

typedef struct _TA_ADDRESS_IP {
    LONG TAAddressCount;
    struct _AddrIp {
        USHORT AddressLength;
        USHORT AddressType;
        TDI_ADDRESS_IP Address[1];
    } Address[1];
} TA_IP_ADDRESS, *PTA_IP_ADDRESS;

typedef struct _TA_ADDRESS_IP6 {
    LONG TAAddressCount;
    struct _AddrIp6 {
        USHORT AddressLength;
        USHORT AddressType;
        TDI_ADDRESS_IP6 Address[1];
    } Address[1];
} TA_IP6_ADDRESS, *PTA_IP6_ADDRESS;
#pragma pack(pop)

#define TDI_ADDRESS_LENGTH_IP sizeof(TDI_ADDRESS_IP)
#define TDI_ADDRESS_LENGTH_IP6 sizeof(TDI_ADDRESS_IP6)

#define TDI_RECEIVE_NORMAL 0x00000020
#define TDI_RECEIVE_ENTIRE_MESSAGE 0x00000400
#define TDI_DISCONNECT_ABORT 0x0002
#define TDI_DISCONNECT_RELEASE 0x0004
#endif

#if !defined(NCB_INCLUDED) && !defined(_NB30_)
typedef struct _ADAPTER_STATUS {
    UCHAR adapter_address[6];
    UCHAR rev_major;
    UCHAR reserved0;
    UCHAR adapter_type;
    UCHAR rev_minor;
    USHORT duration;
    USHORT frmr_recv;
    USHORT frmr_xmit;
    USHORT iframe_recv_err;
    USHORT xmit_aborts;
    ULONG xmit_success;
    ULONG recv_success;
    USHORT iframe_xmit_err;
    USHORT recv_buff_unavail;
    USHORT t1_timeouts;
    USHORT ti_timeouts;
    ULONG reserved1;
    USHORT free_ncbs;
    USHORT max_cfg_ncbs;
    USHORT max_ncbs;
    USHORT xmit_buf_unavail;
    USHORT max_dgram_size;
    USHORT pending_sess;
    USHORT max_cfg_sess;
    USHORT max_sess;
    USHORT max_sess_pkt_size;
    USHORT name_count;
} ADAPTER_STATUS, *PADAPTER_STATUS;
#endif

#ifndef _RXSTRUC_H_
typedef struct _RDBSS_DEVICE_OBJECT *PRDBSS_DEVICE_OBJECT;
#endif

/* ------------------------------------------------------------------ the engine's own */
typedef TDI_CONNECTION_INFORMATION RXCE_CONNECTION_INFORMATION, *PRXCE_CONNECTION_INFORMATION;
typedef TDI_CONNECTION_INFO RXCE_CONNECTION_INFO, *PRXCE_CONNECTION_INFO;
typedef TDI_PROVIDER_INFO RXCE_TRANSPORT_PROVIDER_INFO, *PRXCE_TRANSPORT_PROVIDER_INFO;

typedef union _RXCE_SIGNATURE {
    struct {
        USHORT Type;
        CSHORT Size;
    } Node;
    ULONG Word; /* size << 16 | type */
} RXCE_SIGNATURE;

/* The node types are this engine's own. */
#define RXCE_TRANSPORT_NODE_TYPE 0xEBE0
#define RXCE_ADDRESS_NODE_TYPE 0xEBE1
#define RXCE_CONNECTION_NODE_TYPE 0xEBE2
#define RXCE_VC_NODE_TYPE 0xEBE3
#define RXCE_SIGNATURE_OF(Structure, NodeType) ((ULONG)(sizeof(Structure) << 16) | (NodeType))
#define RXCE_TRANSPORT_SIGNATURE RXCE_SIGNATURE_OF(RXCE_TRANSPORT, RXCE_TRANSPORT_NODE_TYPE)
#define RXCE_ADDRESS_SIGNATURE RXCE_SIGNATURE_OF(RXCE_ADDRESS, RXCE_ADDRESS_NODE_TYPE)
#define RXCE_CONNECTION_SIGNATURE RXCE_SIGNATURE_OF(RXCE_CONNECTION, RXCE_CONNECTION_NODE_TYPE)
#define RXCE_VC_SIGNATURE RXCE_SIGNATURE_OF(RXCE_VC, RXCE_VC_NODE_TYPE)

typedef struct _RXCE_TRANSPORT_ {
    RXCE_SIGNATURE Signature;
    UNICODE_STRING Name;
    PDEVICE_OBJECT pDeviceObject;         /* not used */
    HANDLE ControlChannel;                /* a number */
    PFILE_OBJECT pControlChannelFileObject; /* not used */
    PRXCE_TRANSPORT_PROVIDER_INFO pProviderInfo;
    ULONG ConnectionCount;
    ULONG VirtualCircuitCount;
    ULONG QualityOfService;
} RXCE_TRANSPORT, *PRXCE_TRANSPORT;

typedef struct _RXCE_ADDRESS_ {
    RXCE_SIGNATURE Signature;
    PRXCE_TRANSPORT pTransport;
    PTRANSPORT_ADDRESS pTransportAddress;
    PVOID pContext;
    struct _RXCE_ADDRESS_EVENT_HANDLER_ *pHandler;
    PMDL pReceiveMdl;         /* not used */
    HANDLE hAddress;          /* a number */
    PFILE_OBJECT pFileObject; /* not used */
    ULONG ConnectionCount;
    ULONG VirtualCircuitCount;
} RXCE_ADDRESS, *PRXCE_ADDRESS;

typedef struct _RXCE_CONNECTION_ {
    RXCE_SIGNATURE Signature;
    PRXCE_ADDRESS pAddress;
    ULONG VirtualCircuitCount;
    PVOID pContext;
    struct _RXCE_CONNECTION_EVENT_HANDLER_ *pHandler;
    PRXCE_CONNECTION_INFORMATION pConnectionInformation;
} RXCE_CONNECTION, *PRXCE_CONNECTION;

#define RXCE_VC_STATE_ACTIVE ((LONG)0xAA)
#define RXCE_VC_STATE_DISCONNECTED ((LONG)0xDD)
#define RXCE_VC_STATE_TEARDOWN ((LONG)0xBB)

typedef struct _RXCE_VC_ {
    RXCE_SIGNATURE Signature;
    PRXCE_CONNECTION pConnection;
    HANDLE hEndpoint;                 /* a number */
    PFILE_OBJECT pEndpointFileObject; /* not used */
    volatile LONG State;
    CONNECTION_CONTEXT ConnectionId; /* the structure itself */
    PMDL pReceiveMdl;                /* the receive handler's, while it is filled */
    PRKEVENT pCleanUpEvent;          /* not used */
} RXCE_VC, *PRXCE_VC;

typedef enum _RXCE_CONNECTION_CREATE_OPTIONS_ {
    RxCeSelectFirstSuccessfulTransport,
    RxCeSelectBestSuccessfulTransport,
    RxCeSelectAllSuccessfulTransports
} RXCE_CONNECTION_CREATE_OPTIONS, *PRXCE_CONNECTION_CREATE_OPTIONS;

typedef enum _RXCE_CONNECTION_INFORMATION_CLASS_ {
    RxCeTransportProviderInformation = 1, /* TDI_PROVIDER_INFO */
    RxCeConnectionInformation,            /* TDI_CONNECTION_INFORMATION */
    RxCeConnectionEndpointInformation,    /* TDI_CONNECTION_INFO */
    RxCeRemoteAddressInformation          /* TDI_ADDRESS_INFO */
} RXCE_CONNECTION_INFORMATION_CLASS, *PRXCE_CONNECTION_INFORMATION_CLASS;

typedef struct _RXCE_TRANSPORT_INFORMATION_ {
    TDI_PROVIDER_INFO ProviderInfo;
    ULONG ConnectionCount;
    ULONG QualityOfService;
} RXCE_TRANSPORT_INFORMATION, *PRXCE_TRANSPORT_INFORMATION;

/* The caller sets pConnection and pVc; for RxCeSelectAllSuccessfulTransports, to an array each. */
typedef struct _RXCE_CONNECTION_COMPLETION_CONTEXT_ {
    NTSTATUS Status;
    ULONG AddressIndex;
    PRXCE_CONNECTION pConnection;
    PRXCE_VC pVc;
    PVOID WorkQueueItem[6]; /* not used */
    PRXCE_CONNECTION_INFORMATION pConnectionInformation;
} RXCE_CONNECTION_COMPLETION_CONTEXT, *PRXCE_CONNECTION_COMPLETION_CONTEXT;

typedef NTSTATUS(NTAPI *PRXCE_CONNECTION_COMPLETION_ROUTINE)(PRXCE_CONNECTION_COMPLETION_CONTEXT pCompletionContext);

/* Options of a send. The upper byte is for the engine. */
#define RXCE_SEND_EXPEDITED 0x20
#define RXCE_SEND_NO_RESPONSE_EXPECTED 0x80
#define RXCE_SEND_NON_BLOCKING 0x100
#define RXCE_SEND_SYNCHRONOUS 0x10000000
#define RXCE_SEND_PARTIAL 0x20000000

/* ------------------------------------------------------------------ handlers of an address */
/* The whole address, and all on it, is of no use any more. */
typedef NTSTATUS(NTAPI *PRXCE_IND_ADDRESS_ERROR)(PVOID pEventContext, NTSTATUS Status);

/* A datagram. With STATUS_MORE_PROCESSING_REQUIRED and a buffer, what was not taken is copied there, and DataReady called;
   otherwise it is dropped. */
typedef NTSTATUS(NTAPI *PRXCE_IND_ADDRESS_RECEIVE_DATAGRAM)(
    PVOID pEventContext, LONG SourceAddressLength, PVOID SourceAddress, LONG OptionsLength, PVOID Options,
    ULONG ReceiveDatagramFlags, ULONG BytesIndicated, ULONG BytesAvailable, ULONG *BytesTaken, PVOID Tsdu,
    PMDL *pDataBufferPointer, PULONG pDataBufferSize);

typedef NTSTATUS(NTAPI *PRXCE_IND_DATA_READY)(PVOID pEventContext, PMDL pBuffer, ULONG CopiedDataSize, NTSTATUS CopyStatus);
typedef NTSTATUS(NTAPI *PRXCE_IND_SEND_POSSIBLE)(PVOID pEventContext, PRXCE_VC pVc, ULONG BytesAvailable);
typedef NTSTATUS(NTAPI *PRXCE_IND_ADDRESS_SEND_COMPLETE)(PVOID pEventContext, PVOID pCompletionContext, NTSTATUS Status);

typedef struct _RXCE_ADDRESS_EVENT_HANDLER_ {
    PRXCE_IND_ADDRESS_ERROR RxCeErrorEventHandler;
    PRXCE_IND_ADDRESS_RECEIVE_DATAGRAM RxCeReceiveDatagramEventHandler;
    PRXCE_IND_DATA_READY RxCeDataReadyEventHandler;
    PRXCE_IND_SEND_POSSIBLE RxCeSendPossibleEventHandler; /* never called */
    PRXCE_IND_ADDRESS_SEND_COMPLETE RxCeSendCompleteEventHandler;
} RXCE_ADDRESS_EVENT_HANDLER, *PRXCE_ADDRESS_EVENT_HANDLER;

/* ------------------------------------------------------------------ handlers of a connection */
/* The other side has ended the circuit: TDI_DISCONNECT_RELEASE, or TDI_DISCONNECT_ABORT. Never called when this side has. */
typedef NTSTATUS(NTAPI *PRXCE_IND_DISCONNECT)(PVOID pEventContext, PRXCE_VC pVc, LONG DisconnectDataLength,
                                              PVOID DisconnectData, LONG DisconnectInformationLength,
                                              PVOID DisconnectInformation, ULONG DisconnectFlags);
typedef NTSTATUS(NTAPI *PRXCE_IND_ERROR)(PVOID pEventContext, PRXCE_VC pVc, NTSTATUS Status);

/* Bytes have arrived.
   STATUS_SUCCESS: *BytesTaken were taken; the others are shown again, at once if any were taken, else with what comes next.
   STATUS_MORE_PROCESSING_REQUIRED with a buffer: *BytesTaken were taken; the next *pDataBufferSize go there, and then
   DataReady is called. Anything else: nothing was taken. A circuit whose handler takes nothing of a whole receive buffer
   fails with STATUS_DATA_NOT_ACCEPTED. */
typedef NTSTATUS(NTAPI *PRXCE_IND_RECEIVE)(PVOID pEventContext, PRXCE_VC pVc, ULONG ReceiveFlags, ULONG BytesIndicated,
                                           ULONG BytesAvailable, ULONG *BytesTaken, PVOID Tsdu, PMDL *pDataBufferPointer,
                                           PULONG pDataBufferSize);
typedef NTSTATUS(NTAPI *PRXCE_IND_SEND_COMPLETE)(PVOID pEventContext, PRXCE_VC pVc, PVOID pCompletionContext,
                                                 NTSTATUS Status);

typedef struct _RXCE_CONNECTION_EVENT_HANDLER_ {
    PRXCE_IND_DISCONNECT RxCeDisconnectEventHandler;
    PRXCE_IND_ERROR RxCeErrorEventHandler;
    PRXCE_IND_RECEIVE RxCeReceiveEventHandler;
    PRXCE_IND_RECEIVE RxCeReceiveDatagramEventHandler;  /* never called */
    PRXCE_IND_RECEIVE RxCeReceiveExpeditedEventHandler; /* never called */
    PRXCE_IND_SEND_POSSIBLE RxCeSendPossibleEventHandler;
    PRXCE_IND_DATA_READY RxCeDataReadyEventHandler;
    PRXCE_IND_SEND_COMPLETE RxCeSendCompleteEventHandler;
    PRXCE_IND_SEND_COMPLETE RxCeSendSubmittedEventHandler;
} RXCE_CONNECTION_EVENT_HANDLER, *PRXCE_CONNECTION_EVENT_HANDLER;

/* ------------------------------------------------------------------ the routines */
NTSTATUS NTAPI RxCeBuildTransport(PRXCE_TRANSPORT pRxCeTransport, PUNICODE_STRING pTransportName, ULONG QualityOfService);
NTSTATUS NTAPI RxCeTearDownTransport(PRXCE_TRANSPORT pTransport);
NTSTATUS NTAPI RxCeQueryAdapterStatus(PRXCE_TRANSPORT pTransport, struct _ADAPTER_STATUS *pAdapterStatus);
NTSTATUS NTAPI RxCeQueryTransportInformation(PRXCE_TRANSPORT pTransport, PRXCE_TRANSPORT_INFORMATION pTransportInformation);

NTSTATUS NTAPI RxCeBuildAddress(PRXCE_ADDRESS pAddress, PRXCE_TRANSPORT pTransport, PTRANSPORT_ADDRESS pTransportAddress,
                                PRXCE_ADDRESS_EVENT_HANDLER pHandler, PVOID pEventContext);
NTSTATUS NTAPI RxCeTearDownAddress(PRXCE_ADDRESS pAddress);

NTSTATUS NTAPI RxCeBuildConnection(PRXCE_ADDRESS pLocalAddress, PRXCE_CONNECTION_INFORMATION pConnectionInformation,
                                   PRXCE_CONNECTION_EVENT_HANDLER pHandler, PVOID pEventContext,
                                   PRXCE_CONNECTION pConnection, PRXCE_VC pVc);
NTSTATUS NTAPI RxCeBuildConnectionOverMultipleTransports(
    PRDBSS_DEVICE_OBJECT pMiniRedirectorDeviceObject, RXCE_CONNECTION_CREATE_OPTIONS CreateOption, ULONG NumberOfAddresses,
    PRXCE_ADDRESS *pLocalAddressPointers, PUNICODE_STRING pServerName, PRXCE_CONNECTION_INFORMATION pConnectionInformation,
    PRXCE_CONNECTION_EVENT_HANDLER pHandler, PVOID pEventContext, PRXCE_CONNECTION_COMPLETION_ROUTINE pCompletionRoutine,
    PRXCE_CONNECTION_COMPLETION_CONTEXT pCompletionContext);
NTSTATUS NTAPI RxCeTearDownConnection(PRXCE_CONNECTION pConnection);
NTSTATUS NTAPI RxCeCancelConnectRequest(PRXCE_ADDRESS pLocalAddress, PUNICODE_STRING pServerName,
                                        PRXCE_CONNECTION_INFORMATION pConnectionInformation);

NTSTATUS NTAPI RxCeBuildVC(PRXCE_VC pVc, PRXCE_CONNECTION pConnection);
NTSTATUS NTAPI RxCeInitiateVCDisconnect(PRXCE_VC pVc);
NTSTATUS NTAPI RxCeTearDownVC(PRXCE_VC pVc);

NTSTATUS NTAPI RxCeQueryInformation(PRXCE_VC pVc, RXCE_CONNECTION_INFORMATION_CLASS InformationClass, PVOID pInformation,
                                    ULONG Length);

NTSTATUS NTAPI RxCeSend(PRXCE_VC pVc, ULONG SendOptions, PMDL pMdl, ULONG SendLength, PVOID pCompletionContext);
NTSTATUS NTAPI RxCeSendDatagram(PRXCE_ADDRESS hAddress, PRXCE_CONNECTION_INFORMATION pConnectionInformation,
                                ULONG SendOptions, PMDL pMdl, ULONG SendLength, PVOID pCompletionContext);

PIRP NTAPI RxCeAllocateIrpWithMDL(CCHAR StackSize, BOOLEAN ChargeQuota, PMDL Buffer);
VOID NTAPI RxCeFreeIrp(PIRP pIrp);

#ifdef __cplusplus
}
#endif

/* What the engine takes the sizes to be. */
#if (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L) && (defined(__LP64__) || defined(_WIN64))
_Static_assert(sizeof(RXCE_TRANSPORT) == 72, "RXCE_TRANSPORT");
_Static_assert(sizeof(RXCE_ADDRESS) == 72, "RXCE_ADDRESS");
_Static_assert(sizeof(RXCE_CONNECTION) == 48, "RXCE_CONNECTION");
_Static_assert(sizeof(RXCE_VC) == 64, "RXCE_VC");
_Static_assert(offsetof(RXCE_VC, State) == 32, "RXCE_VC.State");
_Static_assert(sizeof(TDI_CONNECTION_INFORMATION) == 48, "TDI_CONNECTION_INFORMATION");
_Static_assert(sizeof(TDI_PROVIDER_INFO) == 40, "TDI_PROVIDER_INFO");
_Static_assert(sizeof(TDI_CONNECTION_INFO) == 56, "TDI_CONNECTION_INFO");
_Static_assert(sizeof(RXCE_TRANSPORT_INFORMATION) == 48, "RXCE_TRANSPORT_INFORMATION");
_Static_assert(sizeof(ADAPTER_STATUS) == 60, "ADAPTER_STATUS");
_Static_assert(sizeof(RXCE_CONNECTION_COMPLETION_CONTEXT) == 80, "RXCE_CONNECTION_COMPLETION_CONTEXT");
_Static_assert(sizeof(RXCE_ADDRESS_EVENT_HANDLER) == 40, "RXCE_ADDRESS_EVENT_HANDLER");
_Static_assert(sizeof(RXCE_CONNECTION_EVENT_HANDLER) == 72, "RXCE_CONNECTION_EVENT_HANDLER");
_Static_assert(sizeof(TA_IP_ADDRESS) == 22, "TA_IP_ADDRESS");
_Static_assert(sizeof(TA_IP6_ADDRESS) == 34, "TA_IP6_ADDRESS");
#endif

#endif
