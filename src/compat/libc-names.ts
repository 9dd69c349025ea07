/**
 * Library names that only one of the two C libraries uses. They show which one a file was built for.
 */

export const GLIBC_NAMES =
  /^(lib(c|m|dl|rt|pthread|util|resolv|anl|mvec|nsl)\.so\.\d+|ld-linux.*|ld64\.so\.\d+)$/;

/** libc.so without a number is musl's own soname; glibc's file of that name is a linker script. */
export const MUSL_NAMES = /^(libc\.musl-.*|ld-musl-.*|lib(c|m|dl|rt|pthread|util)\.so)$/;
