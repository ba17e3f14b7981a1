/* SPDX-License-Identifier: MIT */
/* The same from C++. */
#include <cstdio>
#include <cstring>
#include <string>

#include <quarry/quarry.h>

int main(int argc, char **argv)
{
	qy_mm_config config = QY_MM_CONFIG_INIT;
	qy_bootmem_config boot_config = QY_BOOTMEM_CONFIG_INIT;
	const bool debug = argc > 1 && std::string(argv[1]) == "debug";

	if (std::string(qy_version()) != QY_VERSION || debug != !!*qy_build_debug_letters())
		return 1;
	if (config.struct_size != sizeof(config) || boot_config.struct_size != sizeof(boot_config))
		return 4;
	config.size = std::size_t(64) << 20;
	qy_mm *mm = qy_mm_create(&config);
	if (!mm)
		return 2;
	void *p = qy_kzalloc(mm, 300000, QY_GFP_KERNEL);
	if (!p || qy_ksize(mm, p) < 300000)
		return 3;
	qy_kfree(mm, p);
	qy_mm_destroy(mm);
	return 0;
}
