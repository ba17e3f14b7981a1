/* SPDX-License-Identifier: MIT */
/* static.c - a program without dynamic loader. */
int main(void)
{
	return 0;
}
