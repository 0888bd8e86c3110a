/*
 * Stands where the WDK has its own ntstrsafe.h, the last header that wdk-sys reads. Nothing of the safe string
 * routines is used by a Rust driver; what is needed are the declarations that the mingw-w64 headers lack.
 * Every declaration follows the documented x64 one (Windows 10 2004 and later unless stated).
 */
#ifndef MRX9P_NTSTRSAFE_H
#define MRX9P_NTSTRSAFE_H

/* Pool: ExAllocatePool2 and its flags. */
typedef ULONG64 POOL_FLAGS;

#define POOL_FLAG_REQUIRED_START 0x0000000000000001ULL
#define POOL_FLAG_USE_QUOTA 0x0000000000000001ULL
#define POOL_FLAG_UNINITIALIZED 0x0000000000000002ULL
#define POOL_FLAG_SESSION 0x0000000000000004ULL
#define POOL_FLAG_CACHE_ALIGNED 0x0000000000000008ULL
#define POOL_FLAG_RESERVED1 0x0000000000000010ULL
#define POOL_FLAG_RAISE_ON_FAILURE 0x0000000000000020ULL
#define POOL_FLAG_NON_PAGED 0x0000000000000040ULL
#define POOL_FLAG_NON_PAGED_EXECUTE 0x0000000000000080ULL
#define POOL_FLAG_PAGED 0x0000000000000100ULL

NTKERNELAPI PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag);

/* Multiple UNC provider: registration of a redirector (Windows 8.1 and later). */
#define FSRTL_UNC_PROVIDER_FLAGS_MAILSLOTS_SUPPORTED 0x00000001
#define FSRTL_UNC_PROVIDER_FLAGS_CSC_ENABLED 0x00000002
#define FSRTL_UNC_PROVIDER_FLAGS_DOMAIN_SVC_AWARE 0x00000004
#define FSRTL_UNC_PROVIDER_FLAGS_CONTAINERS_AWARE 0x00000008

#endif
