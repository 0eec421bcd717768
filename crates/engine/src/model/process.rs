//! One debuggee and its threads.

use farsight_target::{ImageDelta, Region, ThreadDelta};
use farsight_types::{Address, AddressRange, OsPid, OsTid, ProcessId, Registers, ThreadId};

use super::module::{Module, unique_name};
use crate::memory::MemoryCache;
use crate::{Acquisition, ChildPolicy};

/// How the session came to a process, which decides what `q` does to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Attached,
    Launched,
    /// Made by a followed process.
    Child {
        /// Whether the first of its line was launched.
        of_launched: bool,
    },
    /// Only looked at.
    Observed,
}

impl Origin {
    /// Whether `q` ends such a process rather than letting go of it.
    pub(crate) fn dies_at_quit(self) -> bool {
        matches!(self, Origin::Launched | Origin::Child { of_launched: true })
    }
}

/// What a process hands down to one that it makes.
pub(super) struct Heritage {
    path: String,
    modules: Vec<Module>,
    next_module: u32,
    children: ChildPolicy,
}

/// One thread.
pub(crate) struct Thread {
    pub(crate) id: ThreadId,
    pub(crate) os: OsTid,
    pub(crate) name: String,
    /// Known while at rest, once fetched.
    pub(crate) registers: Option<Registers>,
    /// Held back while the others run.
    pub(crate) frozen: bool,
    /// How often the user suspended it.
    pub(crate) suspended: u32,
}

/// One debuggee.
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) os: OsPid,
    pub(crate) path: String,
    pub(crate) origin: Origin,
    /// The process that made it, where that is followed.
    pub(crate) parent: Option<OsPid>,
    /// What becomes of the processes that it makes.
    pub(crate) children: ChildPolicy,
    /// How it was started, where the session did that.
    pub(crate) recipe: Option<Acquisition>,
    pub(crate) threads: Vec<Thread>,
    /// The thread that was the current one when another process was chosen.
    pub(crate) left_at: Option<ThreadId>,
    next_thread: u32,
    /// Ascending by base.
    pub(crate) modules: Vec<Module>,
    next_module: u32,
    pub(crate) memory: MemoryCache,
    /// Known while at rest, once fetched.
    pub(crate) regions: Option<Vec<Region>>,
}

impl Process {
    pub(crate) fn new(id: ProcessId, os: OsPid, path: String, origin: Origin) -> Process {
        Process {
            id,
            os,
            path,
            origin,
            parent: None,
            children: ChildPolicy::default(),
            recipe: None,
            threads: Vec::new(),
            left_at: None,
            next_thread: 0,
            modules: Vec::new(),
            next_module: 0,
            memory: MemoryCache::default(),
            regions: None,
        }
    }

    pub(super) fn heritage(&self) -> Heritage {
        Heritage {
            path: self.path.clone(),
            modules: self.modules.clone(),
            next_module: self.next_module,
            children: self.children,
        }
    }

    pub(super) fn inherit(&mut self, from: Heritage) {
        self.path = from.path;
        self.modules = from.modules;
        self.next_module = from.next_module;
        self.children = from.children;
    }

    pub(crate) fn forget_rest(&mut self) {
        self.memory.clear();
        self.regions = None;
        for thread in &mut self.threads {
            thread.registers = None;
        }
    }

    /// What can be read, ascending, as far as the mappings are known.
    pub(crate) fn readable(&self) -> Vec<AddressRange> {
        let regions = self.regions.iter().flatten();
        regions
            .filter(|region| region.read)
            .map(|region| region.range)
            .collect()
    }

    pub(crate) fn apply_threads(&mut self, delta: ThreadDelta) {
        self.threads.retain(|thread| !delta.ended.contains(&thread.os));
        for record in delta.started {
            match self.threads.iter_mut().find(|thread| thread.os == record.tid) {
                Some(thread) => thread.name = record.name,
                None => {
                    self.add_thread(record.tid, record.name);
                }
            }
        }
    }

    /// A thread by the system's number, made known if it is not.
    pub(crate) fn thread_for(&mut self, os: OsTid) -> ThreadId {
        match self.threads.iter().find(|thread| thread.os == os) {
            Some(thread) => thread.id,
            None => self.add_thread(os, String::new()),
        }
    }

    fn add_thread(&mut self, os: OsTid, name: String) -> ThreadId {
        let id = ThreadId(self.next_thread);
        self.next_thread += 1;
        self.threads.push(Thread {
            id,
            os,
            name,
            registers: None,
            frozen: false,
            suspended: 0,
        });
        id
    }

    pub(crate) fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.id == id)
    }

    pub(crate) fn thread_mut(&mut self, id: ThreadId) -> Option<&mut Thread> {
        self.threads.iter_mut().find(|thread| thread.id == id)
    }

    /// Applies what a stop says of images, and returns the bases of those that are new and the modules that went.
    pub(crate) fn apply_images(&mut self, delta: ImageDelta) -> (Vec<Address>, Vec<Module>) {
        let mut gone = Vec::new();
        if delta.replaced {
            gone.append(&mut self.modules);
        }
        let (unloaded, kept) = std::mem::take(&mut self.modules)
            .into_iter()
            .partition(|module| delta.unloaded.contains(&module.image.base));
        self.modules = kept;
        gone.extend::<Vec<Module>>(unloaded);
        let mut loaded = Vec::new();
        for image in delta.loaded {
            let base = image.base;
            self.modules.retain(|module| module.image.base != base);
            let name = unique_name(&image, &self.modules);
            self.next_module += 1;
            self.modules.push(Module::new(name, image, self.next_module));
            loaded.push(base);
        }
        self.modules.sort_by_key(|module| module.image.base);
        (loaded, gone)
    }

    /// The index of the module that holds an address.
    pub(crate) fn module_index_at(&self, address: Address) -> Option<usize> {
        let behind = self.modules.partition_point(|module| module.image.base <= address);
        let index = behind.checked_sub(1)?;
        let module = self.modules.get(index)?;
        module.range().contains(address).then_some(index)
    }

    pub(crate) fn module_at(&self, address: Address) -> Option<&Module> {
        self.modules.get(self.module_index_at(address)?)
    }

    /// The index of the program itself.
    pub(crate) fn program_index(&self) -> Option<usize> {
        self.modules.iter().position(|module| module.image.is_program)
    }

    /// The executable's bare name.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farsight_target::{Image, ThreadRecord};

    fn image(base: u64, path: &str) -> Image {
        Image {
            base: Address(base),
            size: 0x1000,
            bias: base,
            path: path.into(),
            build_id: None,
            debug_link: None,
            debug_link_crc: None,
            sections: Vec::new(),
            is_program: false,
            entry: None,
            file_size: None,
        }
    }

    fn process() -> Process {
        Process::new(ProcessId(0), OsPid(9), "/bin/x".into(), Origin::Attached)
    }

    fn record(tid: u32) -> ThreadRecord {
        ThreadRecord {
            tid: OsTid(tid),
            name: String::new(),
        }
    }

    #[test]
    fn thread_numbers_are_not_used_twice() {
        let mut process = process();
        let delta = |started: &[u32], ended: &[u32]| ThreadDelta {
            started: started.iter().map(|tid| record(*tid)).collect(),
            ended: ended.iter().map(|tid| OsTid(*tid)).collect(),
        };
        process.apply_threads(delta(&[10, 11], &[]));
        process.apply_threads(delta(&[12], &[11]));
        let numbers: Vec<u32> = process.threads.iter().map(|thread| thread.id.0).collect();
        assert_eq!(numbers, [0, 2]);
    }

    #[test]
    fn modules_are_found_by_address_and_named_apart() {
        let mut process = process();
        process.apply_images(ImageDelta {
            replaced: false,
            loaded: vec![image(0x8000, "/a/libx.so.1"), image(0x4000, "/b/libx.so.2")],
            unloaded: Vec::new(),
        });
        assert_eq!(process.module_at(Address(0x8fff)).unwrap().name, "libx");
        assert_eq!(process.module_at(Address(0x4000)).unwrap().name, "libx_4000");
        assert!(process.module_at(Address(0x5000)).is_none());
        assert!(process.module_at(Address(0x3fff)).is_none());
    }

    #[test]
    fn a_new_program_replaces_every_module() {
        let mut process = process();
        process.apply_images(ImageDelta {
            replaced: false,
            loaded: vec![image(0x4000, "/a")],
            unloaded: Vec::new(),
        });
        let (loaded, gone) = process.apply_images(ImageDelta {
            replaced: true,
            loaded: vec![image(0x9000, "/b")],
            unloaded: Vec::new(),
        });
        assert_eq!(loaded, [Address(0x9000)]);
        assert_eq!(gone.len(), 1);
        assert_eq!(process.modules.len(), 1);
    }
}
