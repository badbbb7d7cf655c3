//! Writes zip archives whose members are stored, not deflated. The crate `zip` reads archives; its writer would add its
//! compressors, which were 0.15 MB of a download of 1.64 MB.
//!
//! The layout is that of PKWARE's APPNOTE 6.3: a header before each member (4.3.7), all headers again in a directory at
//! the end (4.3.12), and sizes beyond 32 bits in extra fields (4.5.3).

/// Smallest size or offset that is written as 64 bits.
const LARGE: u64 = u32::MAX as u64;

/// Date of every member: 1 January 1980, the first date of the format. So the same members give the same bytes.
const DATE: u16 = 0x21;

/// Builds an archive, member by member.
pub(crate) struct StoredZip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u64,
    large: u64,
}

impl StoredZip {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), directory: Vec::new(), count: 0, large: LARGE }
    }

    /// Adds the bytes that `write` appends as a member. They are at most `size` bytes.
    pub(crate) fn member(&mut self, name: &str, size: u64, write: impl FnOnce(&mut Vec<u8>)) {
        let (start, extra) = (self.bytes.len(), if size >= self.large { 20 } else { 0 });
        self.bytes.resize(start + 30 + name.len() + extra, 0);
        let data = self.bytes.len();
        write(&mut self.bytes);
        let size = (self.bytes.len() - data) as u64;
        let crc = crc32fast::hash(&self.bytes[data..]);

        let sizes = if extra > 0 { vec![size, size] } else { vec![] };
        let mut header = u32s(&[0x0403_4b50]);
        header.extend(fields(crc, size, name, &sizes, extra > 0));
        self.bytes[start..data].copy_from_slice(&header);

        let mut long = if size >= self.large { vec![size, size] } else { vec![] };
        let offset = start as u64;
        let far = offset >= self.large;
        long.extend(far.then_some(offset));
        let at = if far { u32::MAX } else { start as u32 };
        self.directory.extend(u32s(&[0x0201_4b50]));
        self.directory.extend(u16s(&[45])); // made by a writer of version 4.5
        let fields = fields(crc, size, name, &long, size >= self.large);
        // These zeros are the comment, the disk and the attributes; the name follows.
        self.directory.extend(&fields[..26]);
        self.directory.extend([0; 10]);
        self.directory.extend(u32s(&[at]));
        self.directory.extend(&fields[26..]);
        self.count += 1;
    }

    /// Returns the bytes of the archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let (start, size, count) = (self.bytes.len() as u64, self.directory.len() as u64, self.count);
        self.bytes.append(&mut self.directory);
        if start >= self.large || count >= 0xffff {
            let at = self.bytes.len() as u64;
            self.bytes.extend(u32s(&[0x0606_4b50]));
            self.bytes.extend(u64s(&[44]));
            self.bytes.extend(u16s(&[45, 45]));
            self.bytes.extend(u32s(&[0, 0]));
            self.bytes.extend(u64s(&[count, count, size, start]));
            self.bytes.extend(u32s(&[0x0706_4b50, 0]));
            self.bytes.extend(u64s(&[at]));
            self.bytes.extend(u32s(&[1]));
        }
        let count = count.min(0xffff) as u16;
        let start = if start >= self.large { u32::MAX } else { start as u32 };
        self.bytes.extend(u32s(&[0x0605_4b50]));
        self.bytes.extend(u16s(&[0, 0, count, count]));
        self.bytes.extend(u32s(&[size.min(u64::from(u32::MAX)) as u32, start]));
        self.bytes.extend(u16s(&[0]));
        self.bytes
    }
}

/// The fields that both headers share: from the needed version to the extra field, which holds `long`.
fn fields(crc: u32, size: u64, name: &str, long: &[u64], large: bool) -> Vec<u8> {
    // Bit 11 says that the name is UTF-8. Method 0 is stored.
    let mut bytes = u16s(&[if long.is_empty() { 20 } else { 45 }, 1 << 11, 0, 0, DATE]);
    let size = if large { u32::MAX } else { size as u32 };
    bytes.extend(u32s(&[crc, size, size]));
    let extra = if long.is_empty() { 0 } else { 4 + 8 * long.len() };
    bytes.extend(u16s(&[name.len() as u16, extra as u16]));
    bytes.extend(name.as_bytes());
    if !long.is_empty() {
        bytes.extend(u16s(&[1, 8 * long.len() as u16]));
        bytes.extend(u64s(long));
    }
    bytes
}

fn u16s(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn u32s(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn u64s(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};
    use zip::ZipArchive;

    #[test]
    fn members_are_read_back_by_another_reader_whether_sizes_are_short_or_long() {
        let members: [(&str, Vec<u8>); 4] =
            [("small.npy", vec![7; 10]), ("größe.npy", (0..=255).collect()), ("empty", vec![]), ("last", vec![1; 300])];
        // None, some and all of the sizes and offsets need 64 bits.
        for large in [LARGE, 256, 1, 0] {
            let mut archive = StoredZip { large, ..StoredZip::new() };
            for (name, content) in &members {
                archive.member(name, content.len() as u64 + 128, |bytes| bytes.extend(content));
            }
            let mut read = ZipArchive::new(Cursor::new(archive.finish())).unwrap();
            assert_eq!(read.len(), 4);
            for (i, (name, content)) in members.iter().enumerate() {
                let mut member = read.by_index(i).unwrap();
                let mut bytes = Vec::new();
                // The reader compares the checksum with the bytes that it read.
                member.read_to_end(&mut bytes).unwrap();
                assert_eq!((&*member.name().unwrap(), &bytes), (*name, content), "{large}");
            }
        }
    }
}
