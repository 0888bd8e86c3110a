/*
 * The WDK's BufferOverflowFastFailK.lib holds the security cookie of C code compiled with /GS. Rust code has no such
 * checks; the symbols are here for objects that still refer to them. A failed check ends in __fastfail
 * (FAST_FAIL_STACK_COOKIE_CHECK_FAILURE, 2), as in the original.
 */
unsigned long long __security_cookie = 0x00002B992DDFA232ULL;

void __security_check_cookie(unsigned long long cookie)
{
    if (cookie != __security_cookie) {
        __asm__ volatile("movl $2, %%ecx\n\tint $0x29" ::: "ecx", "memory");
    }
}
