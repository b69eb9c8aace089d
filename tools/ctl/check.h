/* What a person may type: names, addresses, numbers.
 *
 * Thread: any.  Owner: nothing is allocated.
 * Errors: false, and in 'error' (always null-terminated) what was wrong and
 *         what would be right, as the end of a sentence that begins with the
 *         text itself.
 * Trust:  the text may be anything, of any length. */

#ifndef TOOLS_CTL_CHECK_H
#define TOOLS_CTL_CHECK_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK_ERROR_BYTES 200
#define CHECK_MAC_BYTES 18              /* "aa:bb:cc:dd:ee:ff" and null. */
#define CHECK_ADDRESS_BYTES 64
#define CHECK_PCI_BYTES 17

/* A name of ours: 1 to 'max' letters, digits, '.', '_' and '-', the first a
 * letter or digit, so that it can be a folder, a group or a file name. */
bool check_name(const char *text, size_t max, char error[CHECK_ERROR_BYTES]);

/* A guest's name, which is Xen's to choose: up to 64 printable characters
 * without spaces, slashes and quotes, and not "netdom-...", as the tenants'
 * own domains are called. */
bool check_guest(const char *text, char error[CHECK_ERROR_BYTES]);

/* A network device of Linux's that may stand in a DPDK device argument. */
bool check_iface(const char *text, char error[CHECK_ERROR_BYTES]);

/* Writes the text in lower case with its domain ("0000:3b:02.1"). */
bool check_pci(const char *text, char pci[CHECK_PCI_BYTES],
               char error[CHECK_ERROR_BYTES]);

/* Writes the address in lower case.  Multicast and zero are errors. */
bool check_mac(const char *text, char mac[CHECK_MAC_BYTES],
               char error[CHECK_ERROR_BYTES]);

/* An IPv4 or IPv6 address or prefix, written in its shortest form.  Bits
 * behind the prefix, and a multicast address, are errors. */
bool check_address(const char *text, char address[CHECK_ADDRESS_BYTES],
                   char error[CHECK_ERROR_BYTES]);

/* Where an OpenFlow controller is, as OVS writes it: tcp:HOST[:PORT],
 * ssl:HOST[:PORT], unix:FILE, and to listen ptcp:[PORT[:HOST]], pssl:...,
 * punix:FILE.  An IPv6 HOST stands in brackets. */
bool check_target(const char *text, char error[CHECK_ERROR_BYTES]);

/* A whole decimal number between 'min' and 'max'. */
bool check_integer(const char *text, int64_t min, int64_t max, int64_t *,
                   char error[CHECK_ERROR_BYTES]);

/* A VIF's MAC when nobody chose one: in Xen's own range (00:16:3e), always
 * the same for the same 'name' and 'attempt'.  Count 'attempt' up from 0
 * while the result is in use. */
void mac_from_name(const char *name, unsigned int attempt,
                   char mac[CHECK_MAC_BYTES]);

/* How many letters to change, insert, drop or swap with the next until 'a'
 * reads 'b', at most 'limit': for "did you mean". */
unsigned int text_distance(const char *a, const char *b, unsigned int limit);

#endif /* tools/ctl/check.h */
