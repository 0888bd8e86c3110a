/*
 * A page of memory of its own, which can be made inaccessible: whoever looks at it then crashes.
 */
#ifdef RXCE_IN_DRIVER
/* A page of the image's: it cannot be made inaccessible, but nothing in it is what it was. */
static _Alignas(4096) char ThePage[4096];

static void *NewPage(void)
{
    return ThePage;
}

static int ForbidPage(void *Page)
{
    memset(Page, 0xDD, sizeof ThePage);
    return 1;
}

static void FreePage(void *Page)
{
    (void)Page;
}
#elif defined(_WIN32)
/* Not by windows.h, whose types are not rxce.h's where no WDK is there. */
__declspec(dllimport) void *__stdcall VirtualAlloc(void *Address, size_t Size, unsigned long Kind, unsigned long Protection);
__declspec(dllimport) int __stdcall VirtualProtect(void *Address, size_t Size, unsigned long Protection, unsigned long *Old);
__declspec(dllimport) int __stdcall VirtualFree(void *Address, size_t Size, unsigned long Kind);

#define PAGE_BYTES 4096

static void *NewPage(void)
{
    return VirtualAlloc(NULL, PAGE_BYTES, 0x3000 /* MEM_COMMIT | MEM_RESERVE */, 4 /* PAGE_READWRITE */);
}

static int ForbidPage(void *Page)
{
    unsigned long Old;
    return VirtualProtect(Page, PAGE_BYTES, 1 /* PAGE_NOACCESS */, &Old);
}

static void FreePage(void *Page)
{
    VirtualFree(Page, 0, 0x8000 /* MEM_RELEASE */);
}
#else
#include <sys/mman.h>
#include <unistd.h>

static void *NewPage(void)
{
    void *Page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return Page == MAP_FAILED ? NULL : Page;
}

static int ForbidPage(void *Page)
{
    return mprotect(Page, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE) == 0;
}

static void FreePage(void *Page)
{
    munmap(Page, (size_t)sysconf(_SC_PAGESIZE));
}
#endif
